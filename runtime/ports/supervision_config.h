// How patiently a node's supervisors start again what dies.
#pragma once
#include <chrono>
#include <cstdint>

namespace weir {

/// Node file, `supervision.KIND`. How they are counted: actors/supervise/restart_policy.h.
struct RestartLimits {
  std::uint32_t restarts_max = 10;             // 0..1'000: that many crashes are answered by a restart, the next one escalates
  std::chrono::microseconds window{10'000'000};    // 1 s..1 h: older ones are forgotten, once there was progress behind them
  std::chrono::microseconds backoff_min{10'000};   // 1 ms..1 h: before the first restart; doubles with each crash that is remembered
  std::chrono::microseconds backoff_max{500'000};  // backoff_min..1 h. With the defaults all pauses together are 2.6 s at most
  friend bool operator==(const RestartLimits&, const RestartLimits&) = default;
};

/// Node file, `supervision`. What escalates: a stage to its partition, which is rebuilt from its last commit; a partition to the
/// pipeline, which quarantines it; a door to nobody, it is tried again every `window`; a sink to
/// nobody, it is broken until it is released; a service to nobody, like a door; the committer ends the node.
struct SupervisionConfig {
  RestartLimits stage{.restarts_max = 5};  // fewer: its partition's rebuild is another kind of cure, and quick
  RestartLimits partition;
  RestartLimits door;
  RestartLimits sink;  // beyond it the sink is broken in that partition, until it is released
  RestartLimits service;  // beyond it the service is tried again every `window`
  RestartLimits committer;
};

}  // namespace weir
