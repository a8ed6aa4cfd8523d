// What makes the rows of a view of a plugin: the plugin adds one record, merges and shows; weir does the rest.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/plugin/plugin_host.h"
#include "runtime/base/result.h"
#include "runtime/engine/row_fold.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

class PluginView final : public RowFold {
 public:
  /// `config` is of a view of a plugin that is loaded. Errors: config_invalid (what the plugin's constructor throws, a field's path), with
  /// the view's name.
  [[nodiscard]] static Result<std::shared_ptr<const RowFold>> make(const ViewConfig& config);
  ~PluginView() override;

  [[nodiscard]] const std::vector<FieldPath>& fields() const noexcept override { return fields_.paths; }
  [[nodiscard]] std::unique_ptr<Adder> adder(PartitionId partition) const override;
  [[nodiscard]] Result<std::vector<std::string>> show(std::string_view state) const override;

 private:
  class OneAdder;
  explicit PluginView(const ViewConfig& config);
  [[nodiscard]] Result<void> create();

  std::string name_;
  PluginViewConfig config_;
  weir_fields fields_;
  void* made_ = nullptr;
};

}  // namespace weir
