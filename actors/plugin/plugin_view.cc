#include "actors/plugin/plugin_view.h"

#include <utility>

#include "runtime/engine/view_set.h"

namespace weir {

class PluginView::OneAdder final : public RowFold::Adder {
 public:
  OneAdder(const PluginView& view, PartitionId partition) : view_(view) {
    record_.partition = partition;
    record_.arena = &arena_;
    event_.fields = &view.fields_;
    event_.record = &record_;
  }

  [[nodiscard]] bool add(std::string_view state, const ViewRecord& record, std::span<const std::string_view> tokens, std::string& out) override {
    arena_.clear();
    record_.id = record.id;
    record_.type = record.type;
    record_.source = record.source;
    record_.event_time = record.event_time;
    record_.tokens = tokens;
    made_.text.clear();
    message_.raw.size = 0;
    const std::uint32_t how = view_.config_.kind->raw.add(view_.made_, {state.data(), state.size()}, &event_, &made_, &message_.raw);
    // Also where it had no memory: a record that makes it ask for too much would end every replay.
    if (how != WEIR_DECIDED) return false;
    out.swap(made_.text);
    return true;
  }

 private:
  const PluginView& view_;
  ChainArena arena_;
  PluginRecord record_;
  weir_event event_;
  weir_bytes made_;
  PluginMessage message_;
};

PluginView::PluginView(const ViewConfig& config) : name_(config.name), config_(*config.plugin) {}

PluginView::~PluginView() {
  if (made_ != nullptr) config_.kind->raw.destroy(made_);
}

Result<std::shared_ptr<const RowFold>> PluginView::make(const ViewConfig& config) {
  auto view = std::shared_ptr<PluginView>(new PluginView(config));
  WEIR_TRY(view->create());
  return std::shared_ptr<const RowFold>(std::move(view));
}

Result<void> PluginView::create() {
  const std::vector<weir_key_value> values = key_values(*config_.kind, config_.values);
  PluginMessage why;
  made_ = config_.kind->raw.create(&fields_, values.data(), &why.raw);
  if (made_ != nullptr) return {};
  return fail(Errc::config_invalid, "view \"{}\": {}", name_, fields_.wrong.empty() ? shown(why.view()) : fields_.wrong);
}

std::unique_ptr<RowFold::Adder> PluginView::adder(PartitionId partition) const { return std::make_unique<OneAdder>(*this, partition); }

Result<std::vector<std::string>> PluginView::show(std::string_view state) const {
  weir_row row{std::vector<std::string>(config_.kind->columns.size(), "null"), {}};
  PluginMessage why;
  const std::uint32_t how = config_.kind->raw.show(made_, {state.data(), state.size()}, &row, &why.raw);
  const std::string said = how == WEIR_NO_MEMORY ? "there is no memory" : row.mistake.empty() ? shown(why.view()) : row.mistake;
  if (how != WEIR_DECIDED || !row.mistake.empty())
    return fail(Errc::stage_failed, "view '{}': its kind \"{}\" of {} cannot show a row: {}", name_, config_.kind_name, config_.kind->file, said);
  return std::move(row.tokens);
}

}  // namespace weir
