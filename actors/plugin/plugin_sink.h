// Where a sink of a plugin writes: the plugin writes one batch, weir does the rest.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "actors/plugin/plugin_host.h"
#include "runtime/base/result.h"
#include "runtime/ports/plugin_kinds.h"
#include "runtime/ports/sink_target.h"
#include "runtime/ports/sinks_config.h"

namespace weir {

/// What a plugin throws, and an answer that is none, is thrown from open() and send(): a crash of the sink, in that partition. Its object
/// is made by open(), not before, so that it lives on the sink's thread.
class PluginSinkTarget final : public SinkTarget {
 public:
  /// `config` is of a sink of a plugin; its kind must outlive the target, as kinds do.
  PluginSinkTarget(const SinkConfig& config, std::string pipeline, PartitionId partition);
  ~PluginSinkTarget() override;
  PluginSinkTarget(const PluginSinkTarget&) = delete;
  PluginSinkTarget& operator=(const PluginSinkTarget&) = delete;

  /// Makes an object and throws it away. Error config_invalid: what its constructor throws, a field's path; with the sink's name.
  [[nodiscard]] static Result<void> check(const SinkConfig& config);

  [[nodiscard]] bool hides() const override { return false; }
  [[nodiscard]] Result<void> open(const std::string& state) override;
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override;
  [[nodiscard]] Result<std::string> prepare() override { return std::string(); }
  [[nodiscard]] Result<void> publish(const std::string&) override { return {}; }

 private:
  [[nodiscard]] Result<void> create();
  template <class Call>
  [[nodiscard]] SinkAnswer ask(Call call) const;

  std::string name_;
  std::string pipeline_;
  PartitionId partition_;
  PluginSinkConfig config_;
  weir_fields fields_;
  void* made_ = nullptr;
  std::string unusable_;  // what open() says; empty: nothing
  ChainArena arena_;
};

}  // namespace weir
