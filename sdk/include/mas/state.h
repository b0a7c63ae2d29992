/* An agent's state: texts by name, in Redis. Part of mas.h, which says what holds for all functions. */
#ifndef MAS_STATE_H
#define MAS_STATE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- State --------------------------------------------------------------------------------------------------- */
/* An agent's state is a hash of texts in Redis that outlives the process. mas_agent_start loads it; reading is local,
 * writing waits for Redis. By convention, objects and arrays are stored as JSON text. */

/** Reads a field. @param field its name. @param ret_value its text, zero-terminated; free with mas_free; may be NULL.
 *  @return MAS_NOT_FOUND when there is no such field. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_get(mas_agent *agent, const char *field, char **ret_value,
                                                size_t *ret_size);

/* At most 10,000 fields, 64 MiB of names and values together. What is past that in Redis fails a start or a refresh
 * with MAS_TOO_LARGE; mas_error_detail() names the field. */
/** A field to write. */
typedef struct mas_state_field {
  const char *name;  /**< 1 to 1,024 bytes */
  const char *value; /**< at most 1 MiB; NULL removes the field */
  size_t size;       /**< of value; MAS_STRLEN for text */
} mas_state_field;

/** Writes several fields at once: all of them or none. Returns when Redis has them.
 *  @param fields an array. @param count of fields.
 *  @return MAS_TOO_LARGE for a field past its bound, or where the state would be past one of its own. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_update(mas_agent *agent, const mas_state_field *fields, size_t count,
                                                   int timeout_ms);
/** Removes every field. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_reset(mas_agent *agent, int timeout_ms);
/** Loads the state from Redis again: another instance or an operator may have changed it. */
MAS_EXPORT MAS_CHECKED mas_status mas_state_refresh(mas_agent *agent, int timeout_ms);
/** Called by mas_state_each, on its thread, for each field in order of name. Must not call mas_state_… functions.
 *  @param name zero-terminated. @param value zero-terminated. @param size of value, in bytes. All valid during the
 *  call. */
typedef void (*mas_state_fn)(const char *name, const char *value, size_t size, void *user);
/** Reads all fields. @param fn may not be NULL. */
MAS_EXPORT void mas_state_each(mas_agent *agent, mas_state_fn fn, void *user);

#ifdef __cplusplus
}
#endif

#endif /* MAS_STATE_H */
