// A C++ struct and its JSON: from_json(), to_json(), and Body, what every sending call takes as a message's data.
//
// Happy path: the struct's schema for mas_schema.h is made from its fields once. from_json() lets the library fill
// cells and loads the struct from them; to_json() stores it in cells and lets the library write them.
// Failure: MAS_MALFORMED with path, expectation and kind, as in C; MAS_INVALID_ARGUMENT for fields that are no schema.
// Threading: any thread. Ownership: schemas live as long as the program.
#ifndef MAS_SCHEMA_HPP
#define MAS_SCHEMA_HPP

#include <mas/cells.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mas {
inline namespace MAS_HPP_NAMESPACE {
namespace detail {

/// A schema in C, with what it points to.
struct DeclaredSchema {
  mas_schema schema{};
  std::vector<mas_field> fields;
  std::optional<Error> wrong;         ///< an initializer that breaks its member's checks
  const mas_schema *ready = nullptr;  ///< compiled; a wrong schema itself, so that its users are told
  bool building = false;
  std::atomic<bool> built{false};
};

/// What all schemas are made under. Recursive, since a struct's schema needs those of its members.
inline std::recursive_mutex &schema_mutex() {
  static auto &mutex = *new std::recursive_mutex;
  return mutex;
}

/// The JSON of one member, for the default of its field.
/// @param cells of a struct. @return null for none; never freed.
inline const char *default_json(mas_field field, const char *name, const std::byte *cells, size_t size) {
  field.name = "d";
  const mas_schema one{name, size, &field, 1};
  char *json = nullptr;
  size_t length = 0;
  if (mas_schema_write(&one, cells, &json, &length) != MAS_OK) return nullptr;
  const std::string_view before = R"({"d":)";
  if (length <= before.size()) {  // {}: an optional one that is absent
    mas_free(json);
    return nullptr;
  }
  json[length - 1] = '\0';
  std::memmove(json, json + before.size(), length - before.size());  // to where the block begins, for leak checkers
  return json;
}

/// @return why the last default_json() failed, with the field's own name.
inline std::string why_no_default(const char *name) {
  const std::string why = mas_error_detail();
  return why.compare(0, 1, "d") == 0 ? name + why.substr(1) : why;
}

template <typename M>
bool is_empty(const M &member) {
  if constexpr (std::is_same_v<M, Json>)
    return member.text.empty();
  else if constexpr (std::is_same_v<M, std::string> || VectorOf<M>::value)
    return member.empty();
  else
    return false;
}

/// @param state every field may be absent.
template <typename S>
void declare(DeclaredSchema &made, bool state) {
  const S initial{};
  alignas(std::max_align_t) std::byte cells[Cell<S>::kSize]{};
  Scratch scratch;
  const bool stored = Cell<S>::store(initial, cells, scratch);
  const char *name = fields_of<S>().name;
  if (!stored)
    made.wrong = Error(MAS_INVALID_ARGUMENT, std::string("schema ") + name + ": " + scratch.error().detail());
  Cell<S>::each([&](size_t offset, const auto &field) {
    using M = std::decay_t<decltype(initial.*field.member())>;
    mas_field declared = field.declared();
    const bool by_initializer = !OptionalOf<M>::value && (declared.flags & MAS_FIELD_OPTIONAL) != 0;
    declared.offset = offset;
    declared.size = Cell<M>::kSize;
    declared.type = Cell<M>::kType;
    declared.flags |= Cell<M>::kFlags | (state ? unsigned{MAS_FIELD_OPTIONAL} : 0U);
    declared.schema = Cell<M>::schema();
    if (!field.permitted().empty()) declared.one_of = field.permitted().data();
    if (stored && (declared.flags & MAS_FIELD_OPTIONAL) != 0)
      declared.default_json = default_json(declared, name, cells, Cell<S>::kSize);
    // An absent field of a state is as its initializer made it, which an empty text or vector is without a default.
    const bool needed = by_initializer || (state && !OptionalOf<M>::value && !is_empty(initial.*field.member()));
    if (needed && declared.default_json == nullptr && !made.wrong)
      made.wrong = Error(MAS_INVALID_ARGUMENT,
                         std::string("schema ") + name + ": field '" + declared.name +
                             "' may be absent, but its initializer does not fit: " + why_no_default(declared.name));
    // Of a text that is no optional, the state's text None is a text.
    if (state && std::is_same_v<M, std::string> && declared.default_json == nullptr)
      declared.flags &= ~unsigned{MAS_FIELD_OPTIONAL};
    made.fields.push_back(declared);
    return true;
  });
  made.schema = {name, Cell<S>::kSize, made.fields.data(), made.fields.size()};
}

/// A struct that contains itself gets a schema that contains itself, which the library refuses.
template <typename S, bool kState>
const DeclaredSchema &declared_schema() {
  static auto &made = *new DeclaredSchema;
  if (made.built.load(std::memory_order_acquire)) return made;
  std::lock_guard<std::recursive_mutex> lock(schema_mutex());
  if (made.built.load(std::memory_order_relaxed) || made.building) return made;
  struct Building {
    DeclaredSchema &made;
    explicit Building(DeclaredSchema &m) : made(m) { made.building = true; }
    ~Building() {
      made.building = false;
      if (!made.built.load(std::memory_order_relaxed)) made.fields.clear();  // an initializer has thrown
    }
  } building(made);
  declare<S>(made, kState);
  if (mas_schema_compile(&made.schema, &made.ready) != MAS_OK) made.ready = &made.schema;
  made.built.store(true, std::memory_order_release);
  return made;
}

template <typename S>
const mas_schema *schema_of() {
  return &declared_schema<S, false>().schema;
}

/// Texts that mas_schema_write has written.
struct WrittenJson {
  OwnedText text;
  size_t size = 0;
};

template <typename S>
Result<WrittenJson> write(const S &value) {
  alignas(std::max_align_t) std::byte cells[Cell<S>::kSize];
  Scratch scratch;
  if (!Cell<S>::store(value, cells, scratch)) return scratch.error();
  char *json = nullptr;
  WrittenJson written;
  if (mas_status status = mas_schema_write(declared_schema<S, false>().ready, cells, &json, &written.size);
      status != MAS_OK)
    return Error(status);
  written.text.reset(json);
  return written;
}

}  // namespace detail

/// @param json one JSON object. @return the struct; an absent optional member is as its initializer made it.
template <typename S>
Result<S> from_json(std::string_view json) {
  const auto &declared = detail::declared_schema<S, false>();
  if (declared.wrong) return *declared.wrong;
  void *filled = nullptr;
  if (mas_status status = mas_schema_read(declared.ready, json.data(), json.size(), &filled); status != MAS_OK)
    return Error(status);
  const std::unique_ptr<void, decltype(&mas_struct_free)> owned(filled, &mas_struct_free);
  S value{};
  detail::Cell<S>::load(static_cast<const std::byte *>(filled), value);
  return value;
}

/// @return one JSON object. Fails where the value breaks its own checks.
template <typename S>
Result<std::string> to_json(const S &value) {
  auto written = detail::write(value);
  if (!written) return written.error();
  return std::string(written->text.get(), written->size);
}

/// A message's data: a JSON object as text, which is not copied, or a struct with MAS_STRUCT. For parameters only.
class Body {
 public:
  Body() = default;
  Body(std::string_view json) : data_(json.data()), size_(json.size()) {}
  Body(const char *json) : data_(json), size_(json == nullptr ? 0 : MAS_STRLEN) {}
  Body(const std::string &json) : data_(json.c_str()), size_(json.size()) {}
  template <typename S, typename = std::enable_if_t<detail::IsStruct<S>::value>>
  Body(const S &value) : written_(detail::write(value)) {
    if (!written_) return;
    data_ = written_->text.get();
    size_ = written_->size;
  }
  Body(const Body &) = delete;
  Body &operator=(const Body &) = delete;

  /// Why there are no data: the struct breaks its own checks.
  Result<void> valid() const { return written_ ? Result<void>() : Result<void>(written_.error()); }
  const char *data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Result<detail::WrittenJson> written_ = detail::WrittenJson();
  const char *data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace MAS_HPP_NAMESPACE
}  // namespace mas

#endif  // MAS_SCHEMA_HPP
