// JSON documents, arrays and GeoJSON collections: brackets and quotes say where an element ends.
#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "actors/doors/framer.h"

namespace weir {

namespace {

#if defined(__SSE2__)
__m128i equal_to(__m128i bytes, char c) noexcept {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}
template <class Match>
const char* find_block(const char* p, const char* end, Match match) noexcept {
  for (; p < end; p += 16) {
    const auto mask =
        static_cast<unsigned>(_mm_movemask_epi8(match(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))));
    if (mask == 0) continue;
    p += std::countr_zero(mask);
    return p < end ? p : end;
  }
  return end;
}
/// The first bracket, brace or quote in [p, end), or `end`. Up to 15 bytes behind `end` are read.
const char* find_structure(const char* p, const char* end) noexcept {
  return find_block(p, end, [](__m128i bytes) {
    // '[' and ']' differ from '{' and '}' in one bit.
    const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    return _mm_or_si128(_mm_or_si128(equal_to(folded, '{'), equal_to(folded, '}')), equal_to(bytes, '"'));
  });
}
const char* find_quote_or_backslash(const char* p, const char* end) noexcept {
  return find_block(p, end, [](__m128i bytes) { return _mm_or_si128(equal_to(bytes, '"'), equal_to(bytes, '\\')); });
}
#else
const char* find_structure(const char* p, const char* end) noexcept {
  while (p != end && (*p | 0x20) != '{' && (*p | 0x20) != '}' && *p != '"') ++p;
  return p;
}
const char* find_quote_or_backslash(const char* p, const char* end) noexcept {
  while (p != end && *p != '"' && *p != '\\') ++p;
  return p;
}
#endif

bool is_space(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

class JsonFramer final : public Framer {
 public:
  JsonFramer(const FramerLimits& limits, bool geojson, const std::optional<FramePlace>& resume)
      : Framer(limits, resume), geojson_(geojson) {
    if (!resume) return;
    state_ = static_cast<State>(resume->state);
    number_ = resume->line;
    has_features_ = geojson;
  }

  FrameStep next(Frame& frame) override {
    if (jump()) return FrameStep::jump;
    if (!skip_byte_order_mark()) return FrameStep::more;
    for (;;) {
      if (state_ == State::element || state_ == State::passed_over) {
        const Scanned scanned = scan_element();
        if (scanned == Scanned::more) return FrameStep::more;
        if (scanned == Scanned::cut_off) return refuse_end();
        if (state_ == State::passed_over) {
          buffer_.consume(scan_.at);
          state_ = State::after_member;
          continue;
        }
        give_element(frame);
        return FrameStep::frame;
      }
      if (!skip_space()) {
        if (!ended_) return FrameStep::more;
        return state_ == State::done ? FrameStep::end : refuse_end();
      }
      const FrameStep step = between();
      if (step != FrameStep::frame) return step;
    }
  }

  [[nodiscard]] FramePlace place() const noexcept override {
    return {buffer_.place(), number_, static_cast<std::uint32_t>(state_)};
  }

 private:
  // Written into positions: append only.
  enum class State : std::uint32_t {
    start = 0,
    first_element = 1,  // behind the [
    next_element = 2,   // behind a comma
    after_element = 3,
    element = 4,  // inside one
    done = 5,
    first_member = 6,  // GeoJSON, behind the {
    next_member = 7,
    member_value = 8,  // behind a name
    passed_over = 9,   // inside a member that is not `features`
    after_member = 10,
  };
  enum class Scanned : std::uint8_t { whole, more, cut_off };
  /// How far the value at the start of the buffer has been walked through.
  struct Scan {
    std::size_t at = 0;
    std::uint32_t depth = 0;
    bool in_string = false;
    bool scalar = false;
  };

  bool skip_space() noexcept {
    const std::string_view rest = buffer_.view();
    std::size_t count = 0;
    while (count < rest.size() && is_space(rest[count])) ++count;
    buffer_.consume(count);
    return count < rest.size();
  }

  FrameStep refuse_here(std::string_view expected) {
    const char c = buffer_.view().front();
    const bool shown = c > ' ' && c < '\x7f';
    return refuse(
        {Errc::input_unreadable,
         fmt::format("byte {} (behind {} elements): {} is expected, not {}", buffer_.place(), number_ - 1, expected,
                     shown ? fmt::format("'{}'", c) : fmt::format("byte {:#04x}", static_cast<unsigned char>(c)))});
  }
  FrameStep refuse_end() {
    if (state_ == State::start) return refuse({Errc::input_unreadable, "there is no JSON in it"});
    return refuse(
        {Errc::input_unreadable, fmt::format("cut off: the input ends at byte {} inside {} (behind {} elements)",
                                             buffer_.place() + buffer_.size(),
                                             state_ == State::element ? "an element" : "the document", number_ - 1)});
  }

  /// At a byte that is no white space, between two values. FrameStep::frame: go on.
  FrameStep between() {
    const char c = buffer_.view().front();
    switch (state_) {
      case State::start:
        if (c == '{') {
          if (geojson_) return consume_to(State::first_member);
          single_ = true;
          return begin_element();
        }
        if (c != '[' || geojson_)
          return refuse_here(geojson_ ? "a FeatureCollection, an object," : "an object or an array of objects");
        return consume_to(State::first_element);
      case State::first_element:
        if (c == ']') return consume_to(geojson_ ? State::after_member : State::done);
        return begin_element();
      case State::next_element:
        return begin_element();
      case State::after_element:
        if (c == ']') return consume_to(geojson_ ? State::after_member : State::done);
        if (c != ',') return refuse_here("a comma or ]");
        return consume_to(State::next_element);
      case State::done:
        return refuse_here("nothing behind the end of the document (lines of one document each are ndjson)");
      case State::first_member:
      case State::next_member:
        if (c == '}' && state_ == State::first_member) return end_members();
        if (c != '"') return refuse_here("a name in quotes");
        return read_name();
      case State::member_value:
        return begin_member();
      case State::after_member:
        if (c == '}') return end_members();
        if (c != ',') return refuse_here("a comma or }");
        return consume_to(State::next_member);
      case State::element:
      case State::passed_over:
        break;
    }
    return refuse({Errc::internal, "a JSON framer is between values while it is inside one"});
  }
  FrameStep consume_to(State state) noexcept {
    buffer_.consume(1);
    state_ = state;
    return FrameStep::frame;
  }
  FrameStep end_members() {
    if (!has_features_)
      return refuse({Errc::input_unreadable,
                     "the object has no array `features`: it is not a FeatureCollection (Features one a line are of the "
                     "format ndjson, one alone is json)"});
    return consume_to(State::done);
  }

  FrameStep begin_element() { return begin_value(State::element); }
  FrameStep begin_value(State state) {
    const char c = buffer_.view().front();
    if (c == ',' || c == ']' || c == '}' || c == ':') return refuse_here("a value");
    scan_ = {};
    scan_.scalar = c != '{' && c != '[' && c != '"';
    begin_ = buffer_.place();
    state_ = state;
    return FrameStep::frame;
  }
  /// A member's name, whole in the buffer, and its colon.
  FrameStep read_name() {
    const std::string_view look = buffer_.view().substr(0, window());
    scan_ = {};
    const bool whole = scan(look);
    if (!whole && look.size() == window()) return refuse_here("a name of less than 16 MiB");
    std::size_t colon = scan_.at;
    while (colon < look.size() && is_space(look[colon])) ++colon;
    if (!whole || colon == look.size()) {
      if (look.size() == window()) return refuse_here("a name and a colon");
      return ended_ ? refuse_end() : FrameStep::more;
    }
    is_features_ = look.substr(0, scan_.at) == "\"features\"";
    buffer_.consume(colon);
    if (look[colon] != ':') return refuse_here("a colon");
    return consume_to(State::member_value);
  }
  FrameStep begin_member() {
    if (is_features_ && !has_features_) {
      if (buffer_.view().front() != '[') return refuse_here("the array of features");
      has_features_ = true;
      return consume_to(State::first_element);
    }
    return begin_value(State::passed_over);
  }

  Scanned scan_element() {
    for (;;) {
      const bool held = state_ == State::element && !cutting();
      const std::string_view look = held ? buffer_.view().substr(0, window()) : buffer_.view();
      if (scan(look)) return Scanned::whole;
      if (held && look.size() == window()) {
        begin_cut(begin_);
        continue;
      }
      if (!held) {
        if (cutting()) add_cut(look.substr(0, scan_.at));
        buffer_.consume(scan_.at);
        scan_.at = 0;
      }
      return ended_ ? Scanned::cut_off : Scanned::more;
    }
  }

  /// Walks on from scan_.at. True: the value is whole and ends there.
  bool scan(std::string_view look) noexcept {
    const char* const base = look.data();
    const char* const end = base + look.size();
    const char* p = base + scan_.at;
    bool whole = false;
    if (scan_.scalar) {
      while (p != end && *p != ',' && *p != ']' && *p != '}' && !is_space(*p)) ++p;
      whole = p != end;  // what ends a number must be seen: at the end of the input it might have gone on
    }
    while (!scan_.scalar && !whole && p != end) {
      if (scan_.in_string) {
        p = find_quote_or_backslash(p, end);
        if (p == end) break;
        if (*p == '\\') {
          if (end - p < 2) break;
          p += 2;
          continue;
        }
        scan_.in_string = false;
        ++p;
      } else {
        p = find_structure(p, end);
        if (p == end) break;
        const char c = *p++;
        if (c == '"') {
          scan_.in_string = true;
        } else {
          scan_.depth += (c | 0x20) == '{' ? 1u : ~0u;
        }
      }
      whole = scan_.depth == 0 && !scan_.in_string;
    }
    scan_.at = static_cast<std::size_t>(p - base);
    return whole;
  }

  void give_element(Frame& frame) {
    const std::string_view raw = buffer_.view().substr(0, scan_.at);
    buffer_.consume(scan_.at);
    const std::uint64_t number = number_++;
    state_ = single_ ? State::done : State::after_element;
    if (cutting()) {
      add_cut(raw);
      give_cut(number, frame);
    } else {
      give(raw, number, begin_, frame);
    }
  }

  bool geojson_;
  bool single_ = false;  // one document, no array around it
  bool has_features_ = false;
  bool is_features_ = false;  // the name read last
  State state_ = State::start;
  Scan scan_;
  std::uint64_t begin_ = 0;  // of the value being scanned
  std::uint64_t number_ = 1;
};

}  // namespace

std::unique_ptr<Framer> make_json_framer(const FramerLimits& limits, const std::optional<FramePlace>& resume) {
  return std::make_unique<JsonFramer>(limits, false, resume);
}
std::unique_ptr<Framer> make_geojson_framer(const FramerLimits& limits, const std::optional<FramePlace>& resume) {
  return std::make_unique<JsonFramer>(limits, true, resume);
}

bool is_one_json_element(std::string_view raw) {
  FramerLimits limits;
  limits.frame_bytes_max = std::max(limits.frame_bytes_max, raw.size());
  const auto framer = make_json_framer(limits, std::nullopt);
  const std::string text = "[" + std::string(raw) + "]";
  std::size_t sent = 0, frames = 0;
  for (;;) {
    Frame frame;
    switch (framer->next(frame)) {
      case FrameStep::frame:
        if (frame.raw != raw || ++frames > 1) return false;
        break;
      case FrameStep::more: {
        const auto space = framer->space();
        const std::size_t count = std::min(space.size(), text.size() - sent);
        if (count == 0) {
          framer->ended();
          break;
        }
        std::memcpy(space.data(), text.data() + sent, count);
        framer->filled(count);
        sent += count;
        break;
      }
      case FrameStep::end:
        return frames == 1;
      case FrameStep::header:
      case FrameStep::jump:
      case FrameStep::refused:
        return false;
    }
  }
}

}  // namespace weir
