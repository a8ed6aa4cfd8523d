#include "runtime/adapters/system/mapped_marks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr char kMagic[8] = {'w', 'e', 'i', 'r', 'm', 'a', 'r', 'k'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 128;  // a slot's, so that marks have cache lines of their own
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
/// A stack that has run over leaves no room for a handler on it. Arbitrary; the handler needs next to nothing.
constexpr std::size_t kSignalStack = 64 * 1024;

/// Of the calling thread: whose a signal is. A signal handler has no other way to know.
thread_local CodeMark* current = nullptr;

/// Where the end of this life is noted; of the marks that began last.
std::atomic<std::atomic<std::uint64_t>*> end_of_life{nullptr};

void note_end(std::uint64_t how) noexcept {
  std::atomic<std::uint64_t>* const end = end_of_life.load(std::memory_order_relaxed);
  if (end == nullptr) return;
  std::uint64_t none = 0;
  end->compare_exchange_strong(none, how, std::memory_order_relaxed);
}

void note_signal(int number) {
  if (CodeMark* mark = current; mark == nullptr) {
    note_end(static_cast<std::uint64_t>(number));
  } else if (mark->cause() == 0) {
    mark->cause(static_cast<std::uint64_t>(number));
  }
  ::signal(number, SIG_DFL);
  ::raise(number);  // delivered when this handler returns
}

/// The calling thread's handlers run on a stack of their own.
struct SignalStack {
  std::unique_ptr<char[]> memory = std::make_unique<char[]>(kSignalStack);
  SignalStack() {
    stack_t stack{};
    stack.ss_sp = memory.get();
    stack.ss_size = kSignalStack;
    stack_t before{};
    if (::sigaltstack(nullptr, &before) == 0 && (before.ss_flags & SS_DISABLE) != 0) ours = ::sigaltstack(&stack, nullptr) == 0;
  }
  ~SignalStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    if (ours) ::sigaltstack(&none, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  bool ours = false;
};

/// Changes with every start of the machine.
std::array<char, 36> boot_id() {
  std::array<char, 36> id{};
  const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file < 0) return id;
  if (::read(file, id.data(), id.size()) < 0) id = {};
  ::close(file);
  return id;
}

Error failed(const std::string& file, int number) {
  const Errc code = number == ENOSPC || number == EDQUOT ? Errc::disk_full : Errc::io_failed;
  return {code, file + ": " + std::strerror(number)};
}

}  // namespace

struct alignas(128) MappedMarks::Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t slots;
  std::uint64_t life;
  char boot[36];
  std::uint32_t reserved;
  std::atomic<std::uint64_t> end;
};

struct MappedMarks::Slot {
  CodeMark mark;
  std::uint32_t partition;
  std::uint32_t used;  // somebody has it
  char stage[56];      // cut, ends with a zero
};

MappedMarks::Slot* MappedMarks::slots() const noexcept { return reinterpret_cast<Slot*>(map_ + sizeof(Header)); }

Result<std::unique_ptr<MappedMarks>> MappedMarks::open(const std::string& file, std::uint32_t slots) {
  static_assert(sizeof(Header) == kHeaderSize);
  static_assert(sizeof(Slot) == 128);
  std::unique_ptr<MappedMarks> made(new MappedMarks);
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return tl::unexpected(failed(file, errno));
  struct stat known {};
  int wrong = ::fstat(descriptor, &known) == 0 ? 0 : errno;
  const auto former_size = static_cast<std::size_t>(known.st_size);
  made->count_ = slots;
  made->size_ = std::max(former_size, sizeof(Header) + slots * sizeof(Slot));
  // The space is taken now: a full disk must not strike as a signal later.
  if (wrong == 0) wrong = ::posix_fallocate(descriptor, 0, static_cast<off_t>(made->size_));
  void* const map = wrong == 0 ? ::mmap(nullptr, made->size_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) : MAP_FAILED;
  if (map == MAP_FAILED && wrong == 0) wrong = errno;
  ::close(descriptor);
  if (map == MAP_FAILED) return tl::unexpected(failed(file, wrong));
  made->map_ = static_cast<char*>(map);
  const auto* header = reinterpret_cast<const Header*>(made->map_);
  const bool ours = former_size >= sizeof(Header) && std::memcmp(header->magic, kMagic, sizeof kMagic) == 0 && header->version == kVersion &&
                    former_size >= sizeof(Header) + header->slots * sizeof(Slot);
  if (!ours) return made;
  made->former_life_ = header->life;
  if (std::memcmp(header->boot, boot_id().data(), sizeof header->boot) != 0) return made;
  made->former_end_ = header->end.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < header->slots; ++i) {
    const Slot& slot = made->slots()[i];
    const auto inside = slot.mark.inside();
    if (slot.used == 0 || !inside) continue;
    made->former_.push_back({PartitionId{slot.partition}, std::string(slot.stage, ::strnlen(slot.stage, sizeof slot.stage)), *inside, slot.mark.cause(), slot.mark.stay()});
  }
  return made;
}

void MappedMarks::begin(std::uint64_t life) {
  auto& header = *reinterpret_cast<Header*>(map_);
  // The marks first: a process that dies in between leaves the old life with fewer of them, which is counted already.
  std::memset(map_ + sizeof(Header), 0, size_ - sizeof(Header));
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.slots = count_;
  header.life = life;
  const auto boot = boot_id();
  std::memcpy(header.boot, boot.data(), sizeof header.boot);
  header.end.store(0, std::memory_order_relaxed);
  end_of_life.store(&header.end, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
}

MappedMarks::~MappedMarks() {
  if (map_ == nullptr) return;
  for (const int number : kSignals) ::signal(number, SIG_DFL);
  if (end_of_life.load() == &reinterpret_cast<Header*>(map_)->end) end_of_life.store(nullptr);
  ::munmap(map_, size_);
}

void MappedMarks::ends_on_purpose() noexcept { note_end(kOnPurpose); }

Result<std::unique_ptr<MappedMarks>> MappedMarks::in_memory(std::uint32_t slots) {
  std::unique_ptr<MappedMarks> made(new MappedMarks);
  made->count_ = slots;
  made->size_ = sizeof(Header) + slots * sizeof(Slot);
  void* const map = ::mmap(nullptr, made->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return tl::unexpected(failed("memory for marks", errno));
  made->map_ = static_cast<char*>(map);
  return made;
}

std::shared_ptr<CodeMark> MappedMarks::take(PartitionId partition, std::string_view stage) {
  const std::scoped_lock lock(mutex_);
  Slot* const end = slots() + count_;
  Slot* const slot = std::find_if(slots(), end, [](const Slot& one) { return one.used == 0; });
  if (slot == end) return std::make_shared<CodeMark>();
  new (&slot->mark) CodeMark;
  slot->partition = partition.value;
  std::memset(slot->stage, 0, sizeof slot->stage);
  std::memcpy(slot->stage, stage.data(), std::min(stage.size(), sizeof slot->stage - 1));
  slot->used = 1;
  return {&slot->mark, [this, slot](CodeMark* mark) {
            const std::scoped_lock again(mutex_);
            mark->leave();
            slot->used = 0;
          }};
}

void MappedMarks::on_this_thread(CodeMark* mark) noexcept {
  static thread_local const SignalStack stack;
  current = mark;
}

std::vector<MappedMarks::Working> MappedMarks::working() const {
  std::vector<Working> found;
  const std::scoped_lock lock(mutex_);
  for (Slot* slot = slots(); slot != slots() + count_; ++slot) {
    if (slot->used == 0) continue;
    if (const auto inside = slot->mark.inside()) found.push_back({PartitionId{slot->partition}, slot->stage, *inside, &slot->mark});
  }
  return found;
}

}  // namespace weir
