// Data keys: values that the gateway encrypted on their way.
#include <cstdlib>
#include <cstring>

#include "proto/base/secret.h"
#include "proto/wire/data_key.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/message.h"

using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::report;

/// The C handle is the object itself.
struct mas_data_key {
  mas::DataKey key;
};

extern "C" {

mas_status mas_data_key_read(const char* id, const char* path, mas_data_key** ret_key) {
  return guarded({{id, "id"}, {path, "path"}, {ret_key, "ret_key"}}, [&] {
    auto key = mas::DataKey::read(id, path);
    if (!key) return report(key);
    *ret_key = new mas_data_key{std::move(*key)};
    return MAS_OK;
  });
}

void mas_data_key_free(mas_data_key* key) { delete key; }

mas_status mas_message_decrypt(const mas_message* message, const mas_data_key* key, char** ret_json, size_t* ret_size) {
  return guarded({{message, "message"}, {key, "key"}, {ret_json, "ret_json"}}, [&] {
    auto plain = mas::decrypt_values(message->data(), "data", std::span(&key->key, 1));
    if (!plain) return report(plain);
    auto* copy = static_cast<char*>(std::malloc(plain->json.size() + 1));
    if (copy == nullptr) return fail(MAS_NO_MEMORY, "no memory for the decrypted data");
    std::memcpy(copy, plain->json.c_str(), plain->json.size() + 1);
    *ret_json = copy;
    if (ret_size != nullptr) *ret_size = plain->json.size();
    mas::wipe(plain->json);
    return MAS_OK;
  });
}

}  // extern "C"
