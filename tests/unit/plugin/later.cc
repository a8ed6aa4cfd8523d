// Stages that answer later, as authors write them: this file includes nothing of weir's own but weir/stage.h.
#include "tests/unit/plugin/later.h"

#include <weir/stage.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace {

struct Asked {
  std::string id;
  weir::Completion completion;
};
std::deque<Asked>& held() {
  static std::deque<Asked> held;
  return held;
}

/// Answers what it is asked with the question, on a thread of its own. What waits when it goes is dropped.
class Service {
 public:
  Service() : thread_([this] { work(); }) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    came_.notify_one();
    thread_.join();
  }
  void ask(std::string question, weir::Completion answer) {
    const std::scoped_lock lock(mutex_);
    waiting_.emplace_back(std::move(question), std::move(answer));
    came_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      came_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      auto [question, answer] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      answer.answer(question);
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::pair<std::string, weir::Completion>> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

struct LaterConfig {
  std::string by = "hand";
  static void keys(weir::Keys<LaterConfig>& keys) { keys.word("by", &LaterConfig::by, {"hand", "thread"}, "who answers"); }
};

/// What is to be done is in the field `do`; the answer becomes the field `answer`.
class Later {
 public:
  using Config = LaterConfig;
  Later(const Config& config, weir::Fields fields) : what_(fields.read("do")), answer_(fields.write("answer")) {
    if (config.by == "thread") service_ = std::make_unique<Service>();
  }
  weir::Verdict decide(weir::Event event) const {
    const std::string what(event[what_].text().value_or(""));
    if (what == "pass") return weir::pass();
    if (what == "nobody") return weir::pending();
    weir::Completion answer(event);
    if (what == "needless") return weir::pass();
    if (what == "twice") weir::Completion second(event);
    if (what == "throw") throw std::runtime_error("thrown while asking for " + std::string(event.id()));
    if (what == "drop") return weir::pending();
    if (what == "fail") {
      answer.fail("the model \xff sleeps");
    } else if (what == "at once") {
      answer.answer("at once");
    } else if (service_ != nullptr) {
      service_->ask(what, std::move(answer));
    } else {
      held().push_back({std::string(event.id()), std::move(answer)});
    }
    return weir::pending();
  }
  weir::Verdict resume(weir::Event event, std::string_view answer) const {
    if (answer == "reject") return weir::reject("asked", "for");
    if (answer == "retry") return weir::retry("busy", "later");
    if (answer == "throw") throw std::runtime_error("thrown on the answer for " + std::string(event.id()));
    if (answer == "again") return weir::pending();
    if (answer == "more") weir::Completion more(event);
    if (answer == "die") std::abort();
    event.set(answer_, answer);
    return weir::pass();
  }

 private:
  weir::Field what_;
  weir::Target answer_;
  std::unique_ptr<Service> service_;
};

/// One record for each character of the answer; those that say so are split at once, or add too early.
class LaterLines {
 public:
  using Config = weir::NoConfig;
  static constexpr bool splits = true;
  LaterLines(const Config&, weir::Fields fields) : what_(fields.read("do")), line_(fields.write("line")) {}
  weir::Verdict decide(weir::Event event) const {
    const auto what = event[what_].text().value_or("");
    if (what == "early") (void)event.add_record();
    if (what == "now") return split(event, "xy");
    held().push_back({std::string(event.id()), weir::Completion(event)});
    return weir::pending();
  }
  weir::Verdict resume(weir::Event event, std::string_view answer) const { return split(event, answer); }

 private:
  weir::Verdict split(weir::Event event, std::string_view lines) const {
    for (std::size_t i = 0; i < lines.size(); ++i) event.add_record().set(line_, lines.substr(i, 1));
    return weir::pass();
  }
  weir::Field what_;
  weir::Target line_;
};

/// Asks for all that come together.
class LaterTogether {
 public:
  using Config = weir::NoConfig;
  LaterTogether(const Config&, weir::Fields fields) : what_(fields.read("do")), count_(fields.write("count")) {}
  void decide(weir::Batch batch) const {
    for (weir::Event event : batch) {
      event.set(count_, batch.size());
      if (event[what_].text() == "pass") continue;
      held().push_back({std::string(event.id()), weir::Completion(event)});
      batch.give(event, weir::pending());
    }
  }
  weir::Verdict resume(weir::Event, std::string_view answer) const { return answer == "filter" ? weir::filter() : weir::pass(); }

 private:
  weir::Field what_;
  weir::Target count_;
};

/// Has no resume().
class NeverLater {
 public:
  using Config = weir::NoConfig;
  NeverLater(const Config&, weir::Fields fields) : what_(fields.read("do")) {}
  weir::Verdict decide(weir::Event event) const {
    if (event[what_].text() == "ask") weir::Completion answer(event);
    return weir::pending();
  }

 private:
  weir::Field what_;
};

}  // namespace

std::size_t later::asked() { return held().size(); }
const std::string& later::id(std::size_t which) { return held().at(which).id; }
void later::answer(std::size_t which, const std::string& text) { held().at(which).completion.answer(text); }
void later::fail(std::size_t which, const std::string& why) { held().at(which).completion.fail(why); }
void later::clear() { held().clear(); }

WEIR_STAGE("later", Later)
WEIR_STAGE("later_lines", LaterLines)
WEIR_STAGE("later_together", LaterTogether)
WEIR_STAGE("never_later", NeverLater)
