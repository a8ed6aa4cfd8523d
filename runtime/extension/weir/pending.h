// Stages that answer later: what they have to ask is slow, and nobody is to wait for it on a thread of weir's.
//
//   weir::Verdict decide(weir::Event event) const {
//     weir::Completion answer(event);
//     model_.ask(std::string(event[text_].spelled()), std::move(answer));   // any thread calls answer(…), at any time
//     return weir::pending();
//   }
//   weir::Verdict resume(weir::Event event, std::string_view answer) const {
//     event.set(score_, answer);
//     return weir::pass();
//   }
//
// Such a stage has two keys of weir's own in the pipeline file. `deadline`: an event that has no answer by then is tried again (reason
// `stage:deadline`), and one whose completion fails likewise (`stage:failed`). `pending_max`: so many events of a partition wait at once; the
// next ones are decided when there is room. The same event may be asked for again, on another node, after a crash, a stop or a retry: weir
// keeps what resume() made of the answer, and nothing of the question.
#pragma once
#include <atomic>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include <weir/abi.h>
#include <weir/event.h>

namespace weir {
inline namespace sdk {

/// Where the answer about one event goes. Answered once, on any thread, at any time: too late, or when the stage or the node is gone, it
/// is dropped and counted. One that is destroyed unanswered has failed, and says so. It may outlive the stage's object.
class Completion {
 public:
  Completion() noexcept = default;
  /// Inside decide(), once for an event whose verdict will be pending().
  explicit Completion(Event event) : raw_(detail::host->completion(event.raw())) {
    if (raw_ == nullptr) throw std::bad_alloc();
  }
  Completion(Completion&& other) noexcept : raw_(other.raw_.exchange(nullptr)) {}
  Completion& operator=(Completion&& other) noexcept {
    if (this != &other) {
      end(WEIR_DROPPED, {});
      raw_ = other.raw_.exchange(nullptr);
    }
    return *this;
  }
  ~Completion() { end(WEIR_DROPPED, {}); }

  /// resume() gets this text: any bytes, at most 1 MiB (more is a dead letter, reason `stage:answer_too_large`).
  void answer(std::string_view text) noexcept { end(WEIR_ANSWERED, text); }
  /// There is no answer now, for a reason that will pass; `why` is for people. What will not pass is an answer that resume() rejects.
  void fail(std::string_view why) noexcept { end(WEIR_FAILED, why); }
  /// It was not answered yet.
  explicit operator bool() const noexcept { return raw_ != nullptr; }

 private:
  void end(std::uint32_t how, std::string_view text) noexcept {
    if (weir_completion* const raw = raw_.exchange(nullptr); raw != nullptr) detail::host->complete(raw, how, detail::to_abi(text));
  }
  std::atomic<weir_completion*> raw_{nullptr};  // whoever takes it out ends it
};

}  // namespace sdk
}  // namespace weir
