// C++17 over mas.h and mas_schema.h: values, functions and structs instead of handles, callbacks and tables. Header
// only; link libmas. docs/CPP.md is the guide.
//
//   struct Add { int32_t a = 0, b = 0; };
//   MAS_STRUCT(Add, a, b)
//
//   mas::Agent agent("calculator", mas::Options().capability("math.add"));
//   agent.on<Add>("add", [](const mas::Message& request, const Add& add) {
//     request.reply("sum", Sum{add.a + add.b});
//   });
//   agent.start();
//   agent.run();   // until quit()
//
// Failure: a call that fails throws mas::Error, with its status and one sentence. The same classes in mas::results
// return mas::Result<T> instead; there are only those without exceptions. No exception passes through the C library.
// Threading and lifetime: as in mas.h. An agent keeps its callbacks until it is destroyed, also replaced ones.
#ifndef MAS_HPP
#define MAS_HPP

#include <mas/agent.hpp>
#include <mas/fields.hpp>
#include <mas/message.hpp>
#include <mas/options.hpp>
#include <mas/request.hpp>
#include <mas/result.hpp>
#include <mas/schema.hpp>
#include <mas/state.hpp>
#include <mas/trace.hpp>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

namespace results {
using Agent = BasicAgent<Returning>;
using DataKey = BasicDataKey<Returning>;
using Message = BasicMessage<Returning>;
using Options = BasicOptions<Returning>;
using Settling = BasicSettling<Returning>;
template <typename S>
using State = BasicState<S, Returning>;
}  // namespace results

#ifdef __cpp_exceptions
using Agent = BasicAgent<Throwing>;
using DataKey = BasicDataKey<Throwing>;
using Message = BasicMessage<Throwing>;
using Options = BasicOptions<Throwing>;
using Settling = BasicSettling<Throwing>;
template <typename S>
using State = BasicState<S, Throwing>;
#endif

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_HPP
