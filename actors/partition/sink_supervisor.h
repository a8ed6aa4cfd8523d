// The sinks of a pipeline: one actor for each sink and partition, started again one-for-one. One that is broken, or dies more often than
// `supervision.sink` allows, is left alone and named until somebody releases it; nobody waits for it.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages/sink_messages.h"
#include "actors/partition/pipeline_supervisor.h"
#include "actors/supervise/child_record.h"

namespace weir {

/// Lives in the supervisor `self`, whose children the sinks are. `setup` outlives it.
class SinkSupervisor {
 public:
  SinkSupervisor(caf::event_based_actor* self, const PipelineSetup& setup) : self_(self), setup_(setup) {}

  /// All of them, once.
  void start_all();
  /// Sink `i` again.
  void start(std::size_t i);
  [[nodiscard]] std::optional<std::size_t> find(const caf::actor_addr& who) const;

  void on_progress(const PartitionProgress& progress) const;
  void on_pass(const PassTime& pass) const;
  /// "sink/archive/3" says what it dies of.
  void failing(const std::string& who, const Error& error);
  /// Sink `i` has come to its end.
  void ended(std::size_t i);
  /// Sink `i` says that it cannot go on.
  void broken(std::size_t i, const Error& error);
  /// Sink `i` is dead. The pause before it is to be started again; nothing: nobody is to come after it.
  [[nodiscard]] std::optional<std::chrono::microseconds> died(std::size_t i);
  /// Those of this name that are broken are started again. How many those are; nothing: there is none of this name.
  [[nodiscard]] std::optional<std::size_t> release(const std::string& name);

  /// Nothing more will be committed. True: each has taken everything, or is broken.
  [[nodiscard]] bool finish();
  /// They bring to an end what they have in their hands.
  void stop();
  [[nodiscard]] bool any_alive() const noexcept;
  /// "sink/archive/3" of each that lives.
  [[nodiscard]] std::vector<std::string> alive() const;
  void forget() noexcept { sinks_.clear(); }

 private:
  struct Sink {
    std::string who;
    ChildRecord record;
    caf::actor actor;
    bool over = false;  // ended, or broken
    bool broken = false;
  };
  void give_up(std::size_t i, const Error& error);
  caf::event_based_actor* self_;
  const PipelineSetup& setup_;
  std::vector<Sink> sinks_;
  bool finishing_ = false;
  bool stopping_ = false;
};

}  // namespace weir
