// Orders for dead letters: what somebody wants done with them, and what became of each.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// What a person did with dead letters: who, why. Each has an outcome with from_letter in the same commit, which says what came of it.
struct LetterOrder {
  enum class Kind : std::uint8_t { redrive = 1, edit = 2, drop = 3, expire = 4 };  // expire: by retention; never in a commit's orders
  Kind kind = Kind::redrive;
  std::string who;   // the name of a token; empty: nobody had to say it
  std::string role;
  std::string why;
  std::vector<Offset> offsets;
  friend bool operator==(const LetterOrder&, const LetterOrder&) = default;
};
[[nodiscard]] std::string_view to_string(LetterOrder::Kind kind) noexcept;

/// A dead letter with its place, as the state has it: encode_letter() of runtime/engine/letters.h.
struct LetterCopy {
  Offset offset;
  std::string bytes;
};

/// What an order did to one dead letter.
enum class LetterFate : std::uint8_t {
  changed,   // once the commit is durable
  gone,      // there is no such open letter any more
  conflict,  // it owns no id: it can be dropped, no more
  later,     // an event of its id is on its way, or too much is parked: ask again
};

/// Redrive, edit, drop these letters of the partition. `done` is called exactly once, on any thread, with what became of each, or an
/// error (not_ready: the partition is not running, or died meanwhile: what it did of it is in the log, and to ask again does no harm).
class LetterRequest {
 public:
  using Done = std::function<void(Result<std::vector<LetterFate>>)>;
  LetterOrder order;  // with the places of the letters
  std::string payload;  // of edit
  LetterRequest(LetterOrder wanted, std::string bytes, Done done) : order(std::move(wanted)), payload(std::move(bytes)), done_(std::move(done)) {}
  LetterRequest(const LetterRequest&) = delete;
  LetterRequest& operator=(const LetterRequest&) = delete;
  ~LetterRequest() {
    if (done_) answer(fail(Errc::not_ready, "the partition is not running; ask again, what is done already is not done twice"));
  }
  void answer(Result<std::vector<LetterFate>> fates) {
    if (const Done done = std::exchange(done_, nullptr)) done(std::move(fates));
  }

 private:
  Done done_;
};

}  // namespace weir
