// How the members of a C++ struct stand in the C struct that mas_schema.h reads and writes: in cells, one for each
// member.
//
// The library knows JSON, C types and checks; a C++ struct is stored in cells and loaded from them. Cells point into
// the C++ struct where they can (texts, bytes, vectors of numbers), so that storing allocates only for vectors of other
// types. The layout of the cells is computed by the compiler: offsets as in a C struct, every size a multiple of the
// alignment.
// Failure: a string with U+0000, which C's texts cannot hold, is not stored; Scratch then has the path.
#ifndef MAS_CELLS_HPP
#define MAS_CELLS_HPP

#include <mas/fields.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {
namespace detail {

template <typename S>
const mas_schema *schema_of();

/// Memory for cells that are not the C++ struct's own, and where storing has failed.
class Scratch {
 public:
  std::byte *allocate(size_t size) {
    const size_t rounded =
        (size + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
    if (rounded <= sizeof first_ - used_) return first_ + std::exchange(used_, used_ + rounded);
    blocks_.push_back(std::make_unique<std::byte[]>(size));
    return blocks_.back().get();
  }
  /// @return false. Each place that is left in failure adds its own part of the path.
  bool fail_under(const std::string &place) {
    path_ = place + (path_.empty() || path_[0] == '[' ? "" : ".") + path_;
    return false;
  }
  Error error() const { return {MAS_MALFORMED, path_ + ": expected a string without U+0000, not this one"}; }

 private:
  alignas(std::max_align_t) std::byte first_[512];  // of most structs all
  size_t used_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::string path_;
};

template <typename T>
void put(std::byte *at, const T &value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T get(const std::byte *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
/// Not null, for what is there and empty.
inline const void *some(const void *pointer) { return pointer == nullptr ? "" : pointer; }

/// The cell of a member of type M: kSize bytes of kType, with kFlags; store() and load().
template <typename M, typename = void>
struct Cell {
  static_assert(
      sizeof(M) == 0,
      "mas: a member must be bool, int32_t, int64_t, double, std::string, mas::Bytes, mas::Json, a struct with "
      "MAS_STRUCT, or a std::vector or std::optional of these");
};

template <typename M, int Type>
struct PlainCell {
  static constexpr size_t kSize = sizeof(M);
  static constexpr int kType = Type;
  static constexpr unsigned kFlags = 0;
  static const mas_schema *schema() { return nullptr; }
  static bool store(const M &member, std::byte *at, Scratch &) {
    put(at, member);
    return true;
  }
  static void load(const std::byte *at, M &member) { member = get<M>(at); }
};
template <>
struct Cell<bool> : PlainCell<bool, MAS_TYPE_BOOL> {};
template <>
struct Cell<double> : PlainCell<double, MAS_TYPE_DOUBLE> {};
template <typename M>
struct Cell<M, std::enable_if_t<kIsInteger<M>>> : PlainCell<M, sizeof(M) == 4 ? MAS_TYPE_INT32 : MAS_TYPE_INT64> {};

/// Texts, which the library ends with a zero.
template <int Type>
struct TextCell {
  static constexpr size_t kSize = sizeof(char *);
  static constexpr int kType = Type;
  static constexpr unsigned kFlags = 0;
  static const mas_schema *schema() { return nullptr; }
  static bool store_text(const std::string &text, std::byte *at, Scratch &scratch) {
    if (text.find('\0') != std::string::npos) return scratch.fail_under("");
    put(at, text.c_str());
    return true;
  }
  static void load_text(const std::byte *at, std::string &text) {
    const auto *chars = get<const char *>(at);
    text = chars == nullptr ? std::string() : std::string(chars);  // a new text is made faster than an empty one grows
  }
};
template <>
struct Cell<std::string> : TextCell<MAS_TYPE_STRING> {
  static bool store(const std::string &text, std::byte *at, Scratch &scratch) { return store_text(text, at, scratch); }
  static void load(const std::byte *at, std::string &text) { load_text(at, text); }
};
template <>
struct Cell<Json> : TextCell<MAS_TYPE_JSON> {
  static bool store(const Json &json, std::byte *at, Scratch &scratch) { return store_text(json.text, at, scratch); }
  static void load(const std::byte *at, Json &json) { load_text(at, json.text); }
};

template <>
struct Cell<Bytes> {
  static constexpr size_t kSize = sizeof(mas_bytes);
  static constexpr int kType = MAS_TYPE_BYTES;
  static constexpr unsigned kFlags = 0;
  static const mas_schema *schema() { return nullptr; }
  static bool store(const Bytes &bytes, std::byte *at, Scratch &) {
    put(at, mas_bytes{some(bytes.data()), bytes.size()});
    return true;
  }
  static void load(const std::byte *at, Bytes &bytes) {
    const auto cell = get<mas_bytes>(at);
    const auto *data = static_cast<const std::byte *>(cell.data);
    bytes.assign(data, data + cell.size);
  }
};

template <typename E>
struct Cell<std::vector<E>, std::enable_if_t<!std::is_same_v<E, std::byte>>> {
  static_assert(!VectorOf<E>::value && !OptionalOf<E>::value,
                "mas: a vector of vectors or of optionals needs a struct in between");
  using Element = Cell<E>;
  static constexpr size_t kSize = sizeof(mas_array);
  static constexpr int kType = Element::kType;
  static constexpr unsigned kFlags = MAS_FIELD_ARRAY;
  static const mas_schema *schema() { return Element::schema(); }

  static bool store(const std::vector<E> &members, std::byte *at, Scratch &scratch) {
    const void *items = nullptr;
    if constexpr (kIsNumber<E>) {
      items = some(members.data());
    } else {
      std::byte *cells = scratch.allocate(members.size() * Element::kSize);
      for (size_t i = 0; i < members.size(); ++i)
        if (!Element::store(members[i], cells + i * Element::kSize, scratch))
          return scratch.fail_under("[" + std::to_string(i) + "]");
      items = cells;
    }
    put(at, mas_array{items, members.size()});
    return true;
  }

  static void load(const std::byte *at, std::vector<E> &members) {
    const auto cell = get<mas_array>(at);
    const auto *items = static_cast<const std::byte *>(cell.items);
    members.clear();
    members.resize(cell.count);
    for (size_t i = 0; i < cell.count; ++i, items += Element::kSize) {
      if constexpr (std::is_same_v<E, bool>)
        members[i] = get<bool>(items);
      else
        Element::load(items, members[i]);
    }
  }
};

template <typename M>
struct Cell<std::optional<M>> {
  static_assert(!OptionalOf<M>::value, "mas: an optional of an optional has no JSON");
  using Present = Cell<M>;
  /// Numbers, bools and structs have no value for "absent" of their own.
  static constexpr bool kPointer = std::is_same_v<M, bool> || kIsNumber<M> || IsStruct<M>::value;
  static constexpr size_t kSize = kPointer ? sizeof(void *) : Present::kSize;
  static constexpr int kType = Present::kType;
  static constexpr unsigned kFlags = Present::kFlags | (kPointer ? unsigned{MAS_FIELD_POINTER} : 0U) |
                                     (std::is_same_v<M, Json> ? 0U : unsigned{MAS_FIELD_NULLABLE});
  static const mas_schema *schema() { return Present::schema(); }

  static bool store(const std::optional<M> &member, std::byte *at, Scratch &scratch) {
    std::memset(at, 0, kSize);
    if (!member) return true;
    if constexpr (!kPointer) {
      return Present::store(*member, at, scratch);
    } else if constexpr (IsStruct<M>::value) {
      std::byte *cells = scratch.allocate(Present::kSize);
      put(at, static_cast<const void *>(cells));
      return Present::store(*member, cells, scratch);
    } else {
      put(at, static_cast<const void *>(&*member));
      return true;
    }
  }

  static void load(const std::byte *at, std::optional<M> &member) {
    const auto *first = get<const std::byte *>(at);  // of every cell that can be absent
    if (first == nullptr) return member.reset();
    Present::load(kPointer ? first : at, member.emplace());
  }
};

/// The offsets of cells that stand one after the other.
template <typename... Ms>
struct Layout {
  static constexpr size_t kAlignment = alignof(std::max_align_t) < 8 ? alignof(std::max_align_t) : 8;
  static constexpr size_t align(size_t offset, size_t to) { return (offset + to - 1) / to * to; }
  static constexpr auto compute() {
    std::array<size_t, sizeof...(Ms) + 1> offsets{};
    const size_t sizes[] = {Cell<Ms>::kSize...};
    size_t end = 0;
    for (size_t i = 0; i < sizeof...(Ms); ++i) {
      offsets[i] = align(end, sizes[i] < kAlignment ? sizes[i] : kAlignment);
      end = offsets[i] + sizes[i];
    }
    offsets[sizeof...(Ms)] = align(end, kAlignment);
    return offsets;
  }
  static constexpr auto kOffsets = compute();
  static constexpr size_t kSize = kOffsets[sizeof...(Ms)];
};

template <typename S, typename... Ms>
Layout<Ms...> layout_of(const Fields<S, Ms...> &);

/// The fields of a struct, made once and kept for ever: agents in static objects may still use them.
template <typename S>
const auto &fields_of() {
  static const auto &fields = *new auto(mas_fields_of(static_cast<const S *>(nullptr)));
  return fields;
}

template <typename S>
struct Cell<S, std::enable_if_t<IsStruct<S>::value>> {
  using Cells = decltype(layout_of(fields_of<S>()));
  static constexpr size_t kSize = Cells::kSize;
  static constexpr int kType = MAS_TYPE_STRUCT;
  static constexpr unsigned kFlags = 0;
  static const mas_schema *schema() { return schema_of<S>(); }

  static bool store(const S &value, std::byte *at, Scratch &scratch) {
    return each([&](size_t offset, const auto &field) {
      using M = std::decay_t<decltype(value.*field.member())>;
      return Cell<M>::store(value.*field.member(), at + offset, scratch) || scratch.fail_under(field.declared().name);
    });
  }
  static void load(const std::byte *at, S &value) {
    each([&](size_t offset, const auto &field) {
      using M = std::decay_t<decltype(value.*field.member())>;
      Cell<M>::load(at + offset, value.*field.member());
      return true;
    });
  }

  /// Calls `visit` with the offset and the field of each member until it returns false. @return what it returned last.
  template <typename Visit>
  static bool each(Visit &&visit) {
    return std::apply(
        [&](const auto &...field) {
          size_t i = 0;
          return (visit(Cells::kOffsets[i++], field) && ...);
        },
        fields_of<S>().all);
  }
};

}  // namespace detail
}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_CELLS_HPP
