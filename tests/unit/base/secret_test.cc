// Secrets are overwritten before their memory is given back.
#include "proto/base/secret.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "tests/unit/catch.h"

namespace {

// In parts, so that the program's own text is no secret.
constexpr char kLeft[] = "correct horse ", kRight[] = "battery staple, again and again";
std::string secret() { return std::string(kLeft) + kRight; }

std::atomic<bool> watching{false};
std::atomic<int> given_back{0};  // blocks with a secret in them

void give_back(void* block) noexcept {
  if (block != nullptr && watching && memmem(block, malloc_usable_size(block), kRight, sizeof kRight - 1) != nullptr)
    ++given_back;
  std::free(block);
}

/// @return how many blocks were given back with the secret in them while `work` ran.
template <typename Work>
int leaks_of(Work work) {
  given_back = 0;
  watching = true;
  work();
  watching = false;
  return given_back;
}

}  // namespace

// Catch2 and the standard library allocate through these, too.
void* operator new(size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { give_back(block); }
void operator delete(void* block, size_t) noexcept { give_back(block); }

namespace mas {

TEST_CASE("a string gives its secret back with its block, so leaks are seen") {
  CHECK(leaks_of([] { std::string text = secret(); }) > 0);
}

TEST_CASE("wipe overwrites what is there and what was there before") {
  std::string buffer = secret();
  const char* block = buffer.data();
  buffer.resize(3);
  wipe(buffer);
  CHECK(buffer.empty());
  CHECK(buffer.data() == block);
  CHECK(leaks_of([&] { buffer = std::string(); }) == 0);
}

TEST_CASE("a buffer that grows by reserve_wiping leaves nothing behind") {
  std::string buffer = secret();
  const size_t before = buffer.capacity();
  CHECK(leaks_of([&] { reserve_wiping(buffer, before + 1); }) == 0);
  CHECK((buffer == secret()));
  CHECK(buffer.capacity() >= before + before / 2);
  const char* block = buffer.data();
  reserve_wiping(buffer, buffer.size());
  CHECK(buffer.data() == block);
}

TEST_CASE("a Secret is wiped when it goes, is assigned and is moved from") {
  std::string text = secret();
  CHECK(leaks_of([&] { Secret one(text); }) == 0);
  Secret moved_to;
  size_t left_behind = 1;
  CHECK(leaks_of([&] {
          Secret one(text), other;
          other = one;
          one = Secret("short");
          moved_to = std::move(other);
          left_behind = other.text().size();  // NOLINT(bugprone-use-after-move): documented
        }) == 0);
  CHECK(left_behind == 0);
  CHECK((moved_to.text() == text));  // in brackets: Catch2 would copy the texts
  wipe(text);
}

}  // namespace mas
