// The C functions that read and write structs.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "sdk/include/mas_schema.h"
#include "sdk/src/core/error.h"
#include "sdk/src/typed/read.h"
#include "sdk/src/typed/write.h"

using mas::sdk::compile_schema;
using mas::sdk::CompiledSchema;
using mas::sdk::fail;
using mas::sdk::Filled;
using mas::sdk::guarded;
using mas::sdk::report;

extern "C" {

mas_status mas_schema_compile(const mas_schema* schema, const mas_schema** ret_compiled) {
  return guarded({{schema, "schema"}, {ret_compiled, "ret_compiled"}}, [&] {
    auto compiled = compile_schema(schema);
    if (!compiled) return report(compiled);
    const auto* before = CompiledSchema::of(*schema);
    *ret_compiled = new CompiledSchema(before == nullptr ? *schema : before->origin, std::move(*compiled));
    return MAS_OK;
  });
}

void mas_schema_free(const mas_schema* compiled) {
  mas::sdk::Stay stay;
  if (stay && compiled != nullptr) delete CompiledSchema::of(*compiled);
}

mas_status mas_schema_read(const mas_schema* schema, const char* json, size_t size, void** ret_struct) {
  return guarded({{schema, "schema"}, {json, "json"}, {ret_struct, "ret_struct"}}, [&] {
    auto compiled = compile_schema(schema);
    if (!compiled) return report(compiled);
    auto filled = read_struct(**compiled, {json, size == MAS_STRLEN ? std::strlen(json) : size});
    if (!filled) return report(filled);
    *ret_struct = filled->release()->root();
    return MAS_OK;
  });
}

mas_status mas_schema_write(const mas_schema* schema, const void* filled, char** ret_json, size_t* ret_size) {
  return guarded({{schema, "schema"}, {filled, "filled"}, {ret_json, "ret_json"}}, [&] {
    auto compiled = compile_schema(schema);
    if (!compiled) return report(compiled);
    std::string json;
    if (auto status = write_struct(**compiled, filled, json); !status) return report(status);
    auto* copy = static_cast<char*>(std::malloc(json.size() + 1));
    if (copy == nullptr) return fail(MAS_NO_MEMORY, "no memory for the JSON text");
    std::memcpy(copy, json.c_str(), json.size() + 1);
    *ret_json = copy;
    if (ret_size != nullptr) *ret_size = json.size();
    return MAS_OK;
  });
}

void mas_struct_free(void* filled) {
  mas::sdk::Stay stay;
  if (stay && filled != nullptr) delete Filled::of(filled);
}

}  // extern "C"
