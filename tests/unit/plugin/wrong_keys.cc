// A plugin whose stage cannot say what its keys are.
#include <weir/stage.h>

namespace {

struct WrongConfig {
  static void keys(weir::Keys<WrongConfig>& keys) { keys.required(); }
};

class Wrong {
 public:
  using Config = WrongConfig;
  Wrong(const Config&, weir::Fields) {}
  weir::Verdict decide(weir::Event) const { return weir::pass(); }
};

}  // namespace

WEIR_STAGE("wrong", Wrong)
