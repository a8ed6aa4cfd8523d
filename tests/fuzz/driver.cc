// Runs a target over its seeds and over mutations of them: flipped bits, cut, doubled and mixed pieces, words that
// matter. The same seed number gives the same inputs. A finding is the input that stands in the file named on stderr.
//
//   fuzz_NAME FOLDER [ROUNDS [SEED]]     every file of FOLDER, then ROUNDS mutations (default 20,000)
//   fuzz_NAME FILE                       one input again
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

std::string current;  // what runs now, for the signal handler

void write_finding(int signal) {
  if (std::FILE* file = std::fopen("fuzz-finding", "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::fprintf(stderr, "signal %d; the input is in ./fuzz-finding (%zu bytes)\n", signal, current.size());
  std::_Exit(1);
}

void run(std::string input) {
  current = std::move(input);
  const weir::fuzz::Padded padded(current);
  weir::fuzz::run(padded.view());
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string make(const std::vector<std::string>& seeds) {
    std::string text = seeds[below(seeds.size())];
    if (text.size() > 64 * 1024) text = text.substr(below(text.size() - 4'096), 4'096);
    for (std::size_t i = 0, steps = 1 + below(6); i < steps; ++i) step(text, seeds);
    return text;
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void step(std::string& text, const std::vector<std::string>& seeds) {
    static const std::vector<std::string> words{"\"",
                                                "\\",
                                                "{",
                                                "}",
                                                "[",
                                                "]",
                                                ",",
                                                ":",
                                                "\n",
                                                "\r\n",
                                                "\r",
                                                "\0",
                                                "null",
                                                "true",
                                                "-",
                                                "0",
                                                "1e999",
                                                "\xff",
                                                "\xc3",
                                                "\xed\xa0\x80",
                                                "\\u0000",
                                                "\\ud800",
                                                "9999999999999999999999999999999999999999",
                                                "<<",
                                                "&a",
                                                "*a",
                                                "!!",
                                                "${X}",
                                                "  ",
                                                "\t",
                                                "Content-Length: 5\r\n",
                                                "Transfer-Encoding: chunked\r\n",
                                                "%",
                                                "%2F",
                                                "..",
                                                "#",
                                                "'"};
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(text.size() - at + 1, 64));
    switch (below(8)) {
      case 0:
        if (!text.empty()) text[below(text.size())] ^= static_cast<char>(1u << below(8));
        return;
      case 1:
        if (!text.empty()) text[below(text.size())] = static_cast<char>(random_());
        return;
      case 2:
        text.erase(at, length);
        return;
      case 3:
        text.insert(at, text.substr(at, length));
        return;
      case 4:
        text.insert(at, words[below(words.size())]);
        return;
      case 5:
        text.resize(at);
        return;
      case 6: {
        const std::string& other = seeds[below(seeds.size())];
        const std::size_t from = below(other.size() + 1);
        text.insert(at, other.substr(from, below(256)));
        return;
      }
      default:
        text.insert(at, std::string(1 + below(300), text.empty() ? '[' : text[below(text.size())]));
        return;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [ROUNDS [SEED]] | FILE\n", argv[0]);
    return 2;
  }
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, write_finding);
  if (fs::is_regular_file(argv[1])) {
    run(read(argv[1]));
    return 0;
  }
  const std::uint64_t rounds = argc > 2 ? std::stoull(argv[2]) : 20'000;
  const std::uint64_t seed = argc > 3 ? std::stoull(argv[3]) : 20'261'127;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(argv[1])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const fs::path& file : files) seeds.push_back(read(file));
  if (seeds.empty()) {
    std::fprintf(stderr, "%s: no seeds\n", argv[1]);
    return 2;
  }
  for (const std::string& one : seeds) run(one);
  Mutator mutator(seed);
  for (std::uint64_t i = 0; i < rounds; ++i) run(mutator.make(seeds));
  std::printf("%zu seeds, %llu mutations, seed %llu\n", seeds.size(), static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(seed));
  return 0;
}
