// An object per thread that can be used as long as the thread runs code at all: also in functions of atexit(), which
// run after the thread_local objects of their thread were destroyed, and in destructors of other thread_local objects.
//
// It is made at the first use and destroyed with the thread; what uses it later gets a new one, which stays.
#pragma once

#include <utility>

namespace mas {

template <typename T>
T& thread_object() {
  thread_local T* object = nullptr;
  if (object == nullptr) {
    struct Owner {
      ~Owner() { delete std::exchange(object, nullptr); }
    };
    object = new T();
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wexit-time-destructors"
#endif
    static thread_local Owner owner;
#ifdef __clang__
#pragma clang diagnostic pop
#endif
    static_cast<void>(&owner);
  }
  return *object;
}

}  // namespace mas
