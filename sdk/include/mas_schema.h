/* Typed messages and state: a table of fields binds a C struct to a JSON object.
 *
 *   typedef struct Greeting { char *name; int32_t times; } Greeting;
 *   static const mas_field kGreetingFields[] = {
 *       MAS_FIELD(Greeting, name, MAS_TYPE_STRING, 0, .max_length = 80),
 *       MAS_FIELD(Greeting, times, MAS_TYPE_INT32, MAS_FIELD_OPTIONAL, .default_json = "1",
 *                 .minimum = 1, .maximum = 10),
 *   };
 *   static const mas_schema kGreeting = MAS_SCHEMA(Greeting, kGreetingFields);
 *
 * Conventions are those of mas.h. A schema is checked whenever a function gets it, unless it was compiled
 * (mas_schema_compile); a wrong one is MAS_INVALID_ARGUMENT, and mas_error_detail() names the field. Schemas and their
 * tables must outlive what uses them.
 *
 * JSON that does not fit is MAS_MALFORMED. mas_error_detail() then says where, what was expected and what kind of value
 * stood there, never the value itself: "orders[2].count: expected an integer from 1 to 99, not a string".
 * Members of the JSON object that the schema does not name are ignored. One that it names, and that is there twice,
 * does not fit.
 *
 * Parameters, where a function does not describe them, besides those of mas.h:
 *   schema         The fields. It must outlive what uses it.
 */
#ifndef MAS_SCHEMA_H
#define MAS_SCHEMA_H

#include "mas.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a member of the struct is, and the JSON that it stands for. Values are ABI. */
typedef enum mas_type {
  MAS_TYPE_BOOL = 1,   /**< bool: true or false */
  MAS_TYPE_INT32 = 2,  /**< int32_t: a number without fraction or exponent */
  MAS_TYPE_INT64 = 3,  /**< int64_t: the same */
  MAS_TYPE_DOUBLE = 4, /**< double: a number; never infinite or not a number */
  MAS_TYPE_STRING = 5, /**< char *: a string without U+0000, zero-terminated UTF-8 */
  MAS_TYPE_BYTES = 6,  /**< mas_bytes: a string in base64 (RFC 4648, section 4, with padding) */
  MAS_TYPE_JSON = 7,   /**< char *: any value, as it stood in the text */
  MAS_TYPE_STRUCT = 8  /**< a struct of its own schema: an object */
} mas_type;

/** Flags of a field. */
enum {
  MAS_FIELD_OPTIONAL = 1 << 0, /**< may be absent or null: the member is then its default, else 0 or NULL
                                    (null is a value of MAS_TYPE_JSON) */
  MAS_FIELD_ARRAY = 1 << 1,    /**< mas_array of the type */
  MAS_FIELD_POINTER = 1 << 2,  /**< optional bool, number or struct: a pointer to one, NULL when absent */
  MAS_FIELD_NULLABLE = 1 << 3  /**< optional, of a member that can be NULL, not of MAS_TYPE_JSON: null is NULL and not
                                    the default, and NULL is written as null where there is a default */
};

/** Bytes, as a member of a struct. */
typedef struct mas_bytes {
  const void *data; /**< NULL when optional and absent */
  size_t size;      /**< in bytes */
} mas_bytes;

/** A member that is an array. */
typedef struct mas_array {
  const void *items; /**< `count` elements of the field's type, one after the other; of char * for strings */
  size_t count;      /**< of elements */
} mas_array;

struct mas_schema;

/** One member of a struct. Write it with MAS_FIELD; what is not named there is 0: no check. */
typedef struct mas_field {
  const char *name;                /**< in JSON and in the state, 1 to 128 bytes */
  size_t offset;                   /**< of the member in the struct */
  size_t size;                     /**< of the member */
  int type;                        /**< mas_type */
  unsigned flags;                  /**< MAS_FIELD_… */
  const struct mas_schema *schema; /**< MAS_TYPE_STRUCT: its schema */
  const char *default_json;        /**< optional fields: the value of an absent one, as JSON */
  double minimum;                  /**< numbers: the smallest; -INFINITY: no bound; this one and maximum 0: no range */
  double maximum;                  /**< numbers: the largest; INFINITY: no bound */
  size_t min_length;               /**< strings and bytes: the smallest number of bytes; arrays: of elements */
  size_t max_length;               /**< the largest; 0: no bound */
  const char *const *one_of;       /**< strings: the permitted ones, ended by NULL */
  const char *pattern; /**< strings: a POSIX extended regular expression without back-references; the whole string must
                            match. Needs max_length, at most 4,096, since matching takes time. Not of arrays. */
} mas_field;

/** What a struct is in JSON. Write it with MAS_SCHEMA. */
typedef struct mas_schema {
  const char *name;        /**< for errors */
  size_t size;             /**< of the struct, at most 64 KiB */
  const mas_field *fields; /**< a table; not copied */
  size_t count;            /**< of fields, 1 to 256; structs may be nested 16 deep */
} mas_schema;

/** The size of a struct's member, in bytes. */
#ifdef __cplusplus
#define MAS_MEMBER_SIZE(struct_type, member) sizeof(struct_type::member)
#else
#define MAS_MEMBER_SIZE(struct_type, member) sizeof(((struct_type *)0)->member)
#endif

/** MAS_FIELD(struct, member, type, flags [, .check = value …]): a field whose name is the member's. */
#define MAS_FIELD(struct_type, member, field_type, ...) \
  MAS_NAMED_FIELD(struct_type, member, #member, field_type, __VA_ARGS__)
/** The same with another name in JSON. */
#define MAS_NAMED_FIELD(struct_type, member, field_name, field_type, ...)                                        \
  {                                                                                                              \
    .name = (field_name), .offset = offsetof(struct_type, member), .size = MAS_MEMBER_SIZE(struct_type, member), \
    .type = (field_type), .flags = __VA_ARGS__                                                                   \
  }
/** The schema of a struct whose fields are in a table. */
#define MAS_SCHEMA(struct_type, field_table) \
  { #struct_type, sizeof(struct_type), (field_table), sizeof(field_table) / sizeof((field_table)[0]) }

/** Compiles a schema: checks it once and makes it ready. Functions that get the compiled schema instead of the table do
 *  not check it again, which makes them faster: mas_schema_read and mas_schema_write check a table at every call.
 *  @param schema copied; its tables must outlive the compiled schema. @param ret_compiled may be given wherever a
 *  schema is, by any thread; not to be copied by value. Free with mas_schema_free.
 *  @return MAS_INVALID_ARGUMENT for a wrong schema. */
MAS_EXPORT MAS_CHECKED mas_status mas_schema_compile(const mas_schema *schema, const mas_schema **ret_compiled);
/** Frees a compiled schema. Handlers and bound structs that were made with it do not need it.
 *  @param compiled from mas_schema_compile; NULL, and a schema that is not compiled, are ignored. */
MAS_EXPORT void mas_schema_free(const mas_schema *compiled);

/** Reads a JSON object into a new struct. @param json may not be NULL.
 *  @param ret_struct the struct and everything that it points to; free with mas_struct_free.
 *  @return MAS_MALFORMED; MAS_TOO_LARGE when the text has more than 64 MiB, or the struct would need more than
 *  1 MiB and 16 times the text's bytes. */
MAS_EXPORT MAS_CHECKED mas_status mas_schema_read(const mas_schema *schema, const char *json, size_t size,
                                                  void **ret_struct);
/** Frees what mas_schema_read returned. @param filled the struct; NULL is ignored. */
MAS_EXPORT void mas_struct_free(void *filled);

/** Writes a struct as a JSON object, its fields in the schema's order. An optional field is left out where it is NULL
 *  (strings, JSON, bytes, arrays, pointers); one with MAS_FIELD_NULLABLE and a default is then null.
 *  @param filled the struct. @param ret_json zero-terminated; free with mas_free.
 *  @return MAS_MALFORMED where the struct breaks its own schema: out of range, too long, NULL, not UTF-8. */
MAS_EXPORT MAS_CHECKED mas_status mas_schema_write(const mas_schema *schema, const void *filled, char **ret_json,
                                                   size_t *ret_size);

/** Handles one message whose data fitted the schema. @param filled the struct; like the message, borrowed until the
 *  handler returns.
 *  @return as mas_message_fn. */
typedef mas_status (*mas_typed_fn)(mas_agent *agent, const mas_message *message, const void *filled, void *user);

/** As mas_agent_on_message, with a struct. A message whose data does not fit never reaches the handler: it counts as
 *  one whose handler failed, and the debug callback says why. The requester of such a request gets MAS_INVALID_PAYLOAD
 *  with the same sentence. `fn` NULL removes the type's handler.
 *  @param type may not be NULL. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_on_typed(mas_agent *agent, const char *type, const mas_schema *schema,
                                                     mas_typed_fn fn, void *user);

/* ---- State --------------------------------------------------------------------------------------------------- */
/** Binds a struct to the agent's state: each member is the state's field of that name, as its JSON, strings and bytes
 *  without quotes. The struct is filled now and again by mas_agent_start, mas_state_refresh and mas_state_reset; an
 *  absent field gives a member its default, else 0 or NULL. mas_state_save writes it. The text None, which Python
 *  writes for its None, is a null; of a string where the field has MAS_FIELD_NULLABLE, or is optional and has no
 *  default.
 *  Members may be changed at any time by the application, in one thread at a time. What their pointers lead to after a
 *  filling belongs to the library until the next one, until the struct is unbound or another one is bound, or until the
 *  agent is freed; the application may let them point to its own memory.
 *  @param state the struct; it must outlive the agent, or be unbound before. NULL unbinds.
 *  @return MAS_MALFORMED where a field of the state does not fit: mas_error_detail() names it. Nothing is filled, the
 *  state in Redis is not touched, and a struct that was bound before stays bound. mas_agent_start and the others then
 *  return the same; a start has registered by then, and takes that back. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_bind(mas_agent *agent, const mas_schema *schema, void *state);

/** Checks the bound struct and writes the members that were changed since it was filled or saved, all of them or none;
 *  an optional member that became NULL removes its field, or writes None where it has MAS_FIELD_NULLABLE and a default.
 *  Returns when Redis has them.
 *  @return MAS_MALFORMED where the struct breaks its schema, also by the string None where that text stands for NULL;
 *  MAS_INVALID_STATE without a bound struct; else as mas_state_update. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_save(mas_agent *agent, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* MAS_SCHEMA_H */
