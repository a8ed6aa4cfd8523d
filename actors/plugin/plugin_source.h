// Where an input of a plugin reads: the plugin gives records and places, weir does the rest.
#pragma once
#include <string>

#include "actors/plugin/plugin_host.h"
#include "runtime/base/result.h"
#include "runtime/ports/inputs_config.h"
#include "runtime/ports/plugin_kinds.h"
#include "runtime/ports/record_source.h"

namespace weir {

/// What a plugin throws, an answer that is none, and a poll of more than 16 MiB is thrown from open(), poll() and durable(). Its object is
/// made by open().
class PluginSource final : public RecordSource {
 public:
  /// `config` is of an input of a plugin.
  PluginSource(const InputConfig& config, std::string pipeline);
  ~PluginSource() override;
  PluginSource(const PluginSource&) = delete;
  PluginSource& operator=(const PluginSource&) = delete;

  /// Makes an object and throws it away. Error config_invalid: what its constructor throws, with the input's name.
  [[nodiscard]] static Result<void> check(const InputConfig& config);

  void open(const std::string& position) override;
  [[nodiscard]] PolledRecords poll() override;
  void durable(const std::string& position) override;

 private:
  [[nodiscard]] Result<void> create();
  std::string name_;
  std::string pipeline_;
  PluginInputConfig config_;
  weir_fields fields_;
  void* made_ = nullptr;
};

}  // namespace weir
