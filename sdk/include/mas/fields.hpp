// Which members of a struct are JSON: one line per struct, beside it, in its namespace.
//
//   struct Greeting { std::string name; int32_t times = 1; std::vector<std::string> tags; };
//   MAS_STRUCT(Greeting, name, times, tags)
//
// With checks:
//
//   MAS_STRUCT_WITH(Greeting,
//                   MAS_MEMBER(name).length(1, 80),
//                   MAS_MEMBER(times).range(1, 10).optional(),
//                   MAS_MEMBER(tags))
//
// Members: bool, signed integers of 32 and 64 bits, double, std::string, mas::Bytes, mas::Json, other such structs, and
// std::vector and std::optional of these; also std::optional of a std::vector. A std::optional may be absent or null.
// A check that a member's type cannot have does not compile. The struct must have a default constructor.
#ifndef MAS_FIELDS_HPP
#define MAS_FIELDS_HPP

#include <mas_schema.h>
#include <mas/each.hpp>
#include <mas/result.hpp>

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {

/// Base64 in JSON.
using Bytes = std::vector<std::byte>;

/// Any JSON value, as its text.
struct Json {
  std::string text;
};

namespace detail {

template <typename T>
struct VectorOf : std::false_type {};
template <typename T>
struct VectorOf<std::vector<T>> : std::true_type {
  using Element = T;
};
template <>
struct VectorOf<Bytes> : std::false_type {};

template <typename T>
struct OptionalOf : std::false_type {
  using Element = T;
};
template <typename T>
struct OptionalOf<std::optional<T>> : std::true_type {
  using Element = T;
};

/// A member's type without std::optional.
template <typename T>
using Present = typename OptionalOf<T>::Element;

template <typename T, typename = void>
struct ElementOf {
  using Type = T;
};
template <typename T>
struct ElementOf<T, std::enable_if_t<VectorOf<T>::value>> {
  using Type = typename VectorOf<T>::Element;
};
/// A member's type without std::optional and std::vector.
template <typename T>
using One = typename ElementOf<Present<T>>::Type;

template <typename T>
inline constexpr bool kIsInteger = std::is_integral_v<T> &&std::is_signed_v<T> && (sizeof(T) == 4 || sizeof(T) == 8);
template <typename T>
inline constexpr bool kIsNumber = kIsInteger<T> || std::is_same_v<T, double>;

/// Whether MAS_STRUCT names the members of T.
template <typename T, typename = void>
struct IsStruct : std::false_type {};
template <typename T>
struct IsStruct<T, std::void_t<decltype(mas_fields_of(static_cast<const T *>(nullptr)))>> : std::true_type {};

}  // namespace detail

/// A member of the struct S, its name in JSON, and its checks. Each check returns the field.
template <typename S, typename M>
class Field {
 public:
  /// @param name must live as long as the program.
  Field(const char *name, M S::*member) : member_(member) {
    declared_.name = name;
    if (detail::OptionalOf<M>::value) declared_.flags = MAS_FIELD_OPTIONAL;
  }

  /// Another name in JSON.
  Field named(const char *name) && {
    return with([&](mas_field &field) { field.name = name; });
  }
  /// May be absent or null: the member then has the value that the struct's initializer gives it.
  Field optional() && {
    return with([](mas_field &field) { field.flags |= MAS_FIELD_OPTIONAL; });
  }
  /// Numbers: both bounds are included. A range from 0 to 0 is no check.
  Field range(double minimum, double maximum) && {
    static_assert(detail::kIsNumber<Single>, "only numbers have a range");
    return with([&](mas_field &field) { field.minimum = minimum, field.maximum = maximum; });
  }
  Field at_least(double minimum) && { return std::move(*this).range(minimum, kInfinity); }
  Field at_most(double maximum) && { return std::move(*this).range(-kInfinity, maximum); }
  /// Strings and bytes: their bytes. Vectors: their elements. @param most 0: no bound.
  Field length(size_t least, size_t most) && {
    static_assert(kIsVector || kIsText || std::is_same_v<Single, Bytes>,
                  "only strings, bytes and vectors have a length");
    return with([&](mas_field &field) { field.min_length = least, field.max_length = most; });
  }
  /// Strings: the permitted ones. They must live as long as the program.
  Field one_of(std::initializer_list<const char *> texts) && {
    static_assert(kIsText, "only strings can be one of some");
    one_of_.assign(texts);
    one_of_.push_back(nullptr);
    return std::move(*this);
  }
  /// Strings: a POSIX extended regular expression without back-references; the whole string must match.
  /// @param most bytes of the string, at most 4,096, since matching takes time.
  Field pattern(const char *expression, size_t most) && {
    static_assert(kIsText && !kIsVector, "only a string has a pattern");
    return with([&](mas_field &field) { field.pattern = expression, field.max_length = most; });
  }

  M S::*member() const { return member_; }
  /// What was declared; offset, size and type are not set.
  const mas_field &declared() const { return declared_; }
  /// The permitted texts, ended by null; empty: no check.
  const std::vector<const char *> &permitted() const { return one_of_; }

 private:
  using Single = detail::One<M>;
  static constexpr bool kIsVector = detail::VectorOf<detail::Present<M>>::value;
  static constexpr bool kIsText = std::is_same_v<Single, std::string>;
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  template <typename Change>
  Field with(Change &&change) {
    change(declared_);
    return std::move(*this);
  }

  M S::*member_;
  mas_field declared_{};
  std::vector<const char *> one_of_;
};

/// The fields of a struct, for errors with the struct's name.
template <typename S, typename... Ms>
struct Fields {
  const char *name;
  std::tuple<Field<S, Ms>...> all;
};

template <typename S, typename... Ms>
Fields<S, Ms...> fields(const char *name, Field<S, Ms>... all) {
  return {name, std::make_tuple(std::move(all)...)};
}

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

/// Binds up to 64 members of a struct to JSON, each required unless it is a std::optional.
#define MAS_STRUCT(type, ...) MAS_STRUCT_WITH(type, MAS_EACH(MAS_MEMBER, __VA_ARGS__))
/// The same with a MAS_MEMBER(…) for each member, and its checks.
#define MAS_STRUCT_WITH(type, ...)                           \
  [[maybe_unused]] inline auto mas_fields_of(const type *) { \
    using MasStruct = type;                                  \
    return ::mas::fields(#type, __VA_ARGS__);                \
  }
#define MAS_MEMBER(member) ::mas::Field(#member, &MasStruct::member)

#endif  // MAS_FIELDS_HPP
