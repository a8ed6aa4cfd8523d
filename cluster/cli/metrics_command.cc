#include "cluster/cli/data_options.h"
#include "cluster/node/node_metrics.h"

namespace weir::cli {

Command make_metrics(Level root) {
  const Level app = root.add_command(
      "metrics", "What a node measures, as a page: every metric of /metrics with its labels and meaning");
  app.footer("Example: weir metrics\nThe values of a running node: curl http://127.0.0.1:7070/metrics");
  return {app, [] {
            (void)to_stdout(metrics_page());
            return kDone;
          }};
}

}  // namespace weir::cli
