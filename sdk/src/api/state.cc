// The C functions of an agent's state.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"
#include "sdk/src/agent/agent.h"
#include "sdk/src/core/error.h"

using mas::sdk::BoundState;
using mas::sdk::call_out;
using mas::sdk::compile_schema;
using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::is_missing;
using mas::sdk::report;
using mas::sdk::StateChange;

namespace {

mas_status add_change(std::vector<StateChange>& changes, const mas_state_field& field) {
  size_t name_size = field.name == nullptr ? 0 : std::strlen(field.name);
  if (name_size == 0 || name_size > mas::limits::kStateFieldNameBytes)
    return fail(MAS_INVALID_ARGUMENT, "a state field's name has " + std::to_string(name_size) + " bytes; expected 1-" +
                                          std::to_string(mas::limits::kStateFieldNameBytes));
  if (field.value == nullptr) {
    changes.emplace_back(field.name, std::nullopt);
    return MAS_OK;
  }
  size_t size = field.size == MAS_STRLEN ? std::strlen(field.value) : field.size;
  if (size > mas::limits::kStateValueBytes)
    return fail(MAS_TOO_LARGE, "state field '" + mas::printable(field.name) + "' has " + std::to_string(size) +
                                   " bytes; expected at most " + std::to_string(mas::limits::kStateValueBytes));
  changes.emplace_back(field.name, std::string(field.value, size));
  return MAS_OK;
}

}  // namespace

extern "C" {

mas_status mas_state_get(mas_agent* agent, const char* field, char** ret_value, size_t* ret_size) {
  return guarded({{agent, "agent"}, {field, "field"}}, [&] {
    auto value = agent->context().state.get(field);
    if (!value) return fail(MAS_NOT_FOUND, "the state has no field '" + mas::printable(field) + "'");
    if (ret_value != nullptr) {
      auto* copy = static_cast<char*>(std::malloc(value->size() + 1));
      if (copy == nullptr) return fail(MAS_NO_MEMORY, "no memory for a state value");
      std::memcpy(copy, value->c_str(), value->size() + 1);
      *ret_value = copy;
    }
    if (ret_size != nullptr) *ret_size = value->size();
    return MAS_OK;
  });
}

mas_status mas_state_update(mas_agent* agent, const mas_state_field* fields, size_t count, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] {
    if (count > mas::limits::kStateFields)
      return fail(MAS_TOO_LARGE,
                  "too many fields in one call; expected at most " + std::to_string(mas::limits::kStateFields));
    if (count == 0) return MAS_OK;
    if (is_missing(fields, "fields")) return MAS_INVALID_ARGUMENT;
    std::vector<StateChange> changes;
    changes.reserve(count);
    for (size_t i = 0; i < count; ++i)
      if (mas_status status = add_change(changes, fields[i]); status != MAS_OK) return status;
    return report(agent->update_state(std::move(changes), timeout_ms));
  });
}

mas_status mas_state_reset(mas_agent* agent, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->reset_state(timeout_ms)); });
}

mas_status mas_state_refresh(mas_agent* agent, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->refresh_state(timeout_ms)); });
}

mas_status mas_state_bind(mas_agent* agent, const mas_schema* schema, void* state) {
  return guarded({{agent, "agent"}}, [&] {
    if (state == nullptr) return report(agent->bind_state(nullptr));
    auto compiled = compile_schema(schema);
    if (!compiled) return report(compiled);
    return report(agent->bind_state(std::make_unique<BoundState>(std::move(*compiled), state)));
  });
}

mas_status mas_state_save(mas_agent* agent, int timeout_ms) {
  return guarded({{agent, "agent"}}, [&] { return report(agent->save_state(timeout_ms)); });
}

void mas_state_each(mas_agent* agent, mas_state_fn fn, void* user) {
  guarded({{agent, "agent"}, {fn, "fn"}}, [&] {
    for (const auto& [name, value] : agent->context().state.all())
      call_out(fn, name.c_str(), value.c_str(), value.size(), user);
    return MAS_OK;
  });
}

}  // extern "C"
