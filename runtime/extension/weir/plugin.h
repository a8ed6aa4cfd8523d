// What the kinds of a plugin have in common: how they are registered, and how nothing that is thrown leaves the plugin. Authors include
// weir/stage.h, weir/sink.h, weir/source.h, weir/view.h or weir/service.h.
#pragma once
#include <concepts>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <vector>

#include <weir/plugin_abi.h>
#include <weir/config.h>
#include <weir/decimal.h>
#include <weir/event.h>
#include <weir/service_abi.h>
#include <weir/version.h>

namespace weir {
inline namespace sdk {

// Hidden: each plugin of a process has its own.
#pragma GCC visibility push(hidden)
namespace detail {

inline void say(weir_message* to, std::string_view text) noexcept {
  to->size = text.size() < to->room ? text.size() : to->room;
  std::memcpy(to->data, text.data(), to->size);
}

/// Nothing that is thrown leaves the plugin.
template <class Call>
std::uint32_t guarded(weir_message* why, Call call) noexcept {
  try {
    call();
    return WEIR_DECIDED;
  } catch (const std::bad_alloc&) {
    return WEIR_NO_MEMORY;
  } catch (const std::exception& thrown) {
    say(why, thrown.what());
  } catch (...) {
    say(why, "an exception that is no std::exception");
  }
  return WEIR_THREW;
}

/// Makes and unmakes objects of one type, whatever kind it is of.
template <class T>
class Maker {
 public:
  using Config = typename T::Config;
  /// Made when the plugin is opened; once, since several names may have the same type.
  static const std::vector<weir_key>& keys() {
    static Keys<Config> declared = [] {
      Keys<Config> made;
      Config::keys(made);
      return made;
    }();
    static const std::vector<weir_key> raw = declared.raw();
    keys_ = &declared;
    return raw;
  }
  static void* create(weir_fields* fields, const weir_key_value* values, weir_message* why) noexcept {
    T* made = nullptr;
    const std::uint32_t how = guarded(why, [&] {
      if constexpr (std::constructible_from<T, const Config&, Fields>) {
        made = new T(keys_->config(values), Fields(fields));
      } else {
        made = new T(keys_->config(values));
      }
    });
    if (how == WEIR_NO_MEMORY) say(why, "there is no memory");
    return made;
  }
  static void destroy(void* made) noexcept { delete static_cast<T*>(made); }

 private:
  inline static Keys<Config>* keys_ = nullptr;
};

/// What of one sort (weir_stage_kind, weir_sink_kind, …) this plugin has; made before it is opened, one by each WEIR_STAGE, WEIR_SINK, ….
template <class Raw>
class Registration {
 public:
  using Describe = Raw (*)(std::string_view name);
  Registration(const char* name, Describe describe) noexcept : name_(name), describe_(describe), next_(first_) { first_ = this; }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  /// In the order of the source.
  static std::vector<Raw> described() {
    std::vector<Raw> kinds;
    for (const Registration* one = first_; one != nullptr; one = one->next_) kinds.insert(kinds.begin(), one->describe_(one->name_));
    return kinds;
  }

 private:
  const char* name_;
  Describe describe_;
  const Registration* next_;
  inline static const Registration* first_ = nullptr;
};

inline const weir_plugin* open_plugin(const weir_host* with, weir_message* why) noexcept {
  const weir_plugin* opened = nullptr;
  const std::uint32_t how = guarded(why, [&] {
    if (host == nullptr) host = with;
    static const std::vector<weir_stage_kind> stages = Registration<weir_stage_kind>::described();
    static const std::vector<weir_sink_kind> sinks = Registration<weir_sink_kind>::described();
    static const std::vector<weir_source_kind> sources = Registration<weir_source_kind>::described();
    static const std::vector<weir_view_kind> views = Registration<weir_view_kind>::described();
    static const std::vector<weir_service_kind> services = Registration<weir_service_kind>::described();
    static const weir_plugin plugin = {WEIR_ABI_VERSION, 0,
                                       stages.size(),    stages.data(),
                                       sinks.size(),     sinks.data(),
                                       sources.size(),   sources.data(),
                                       views.size(),     views.data(),
                                       services.size(),  services.data()};
    opened = &plugin;
  });
  if (how == WEIR_NO_MEMORY) say(why, "there is no memory");
  return opened;
}

/// Read from the file before anything of it runs.
__attribute__((used)) inline const char stamp[] = WEIR_PLUGIN_STAMP;

}  // namespace detail
#pragma GCC visibility pop
}  // namespace sdk
}  // namespace weir

extern "C" __attribute__((weak, visibility("default"))) const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why) {
  return weir::detail::open_plugin(host, why);
}

#define WEIR_REGISTERED_NAME_INNER(line) weir_registered_in_line_##line
#define WEIR_REGISTERED_NAME(line) WEIR_REGISTERED_NAME_INNER(line)
