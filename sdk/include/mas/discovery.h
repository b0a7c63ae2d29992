/* Finding agents by what they can do. Part of mas.h, which says what holds for all functions. */
#ifndef MAS_DISCOVERY_H
#define MAS_DISCOVERY_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Discovery ----------------------------------------------------------------------------------------------- */
/** Flags of mas_agent_discover. */
enum {
  MAS_DISCOVER_ANY = 0,          /**< agents with at least one of the capabilities */
  MAS_DISCOVER_ALL = 1 << 0,     /**< agents with all of them */
  MAS_DISCOVER_INACTIVE = 1 << 1 /**< INACTIVE agents too */
};

/** Finds agents by capability: in the index that mas-registryd keeps, or by a scan of the registry where none runs.
 *  @param capabilities texts. @param count of capabilities; with 0, all agents are found. @param flags MAS_DISCOVER_….
 *  @param limit the largest number of agents to return, 0 for no limit; which agents are left out is unspecified.
 *  @param ret_list sorted by id; free with mas_agent_list_free. */
MAS_EXPORT MAS_CHECKED mas_status mas_agent_discover(mas_agent *agent, const char *const *capabilities, size_t count,
                                                     unsigned flags, size_t limit, int timeout_ms,
                                                     mas_agent_list **ret_list);
/** @return the number of agents. */
MAS_EXPORT size_t mas_agent_list_size(const mas_agent_list *list);
/** @return the agent's id. Like the other texts: valid as long as the list; NULL past the end. */
MAS_EXPORT const char *mas_agent_list_id(const mas_agent_list *list, size_t i);
/** @return the agent's metadata, a JSON object. */
MAS_EXPORT const char *mas_agent_list_metadata(const mas_agent_list *list, size_t i);
/** @return whether the agent is ACTIVE; false past the end. */
MAS_EXPORT bool mas_agent_list_active(const mas_agent_list *list, size_t i);
/** @return when the agent registered, in seconds since 1970; 0 past the end. */
MAS_EXPORT double mas_agent_list_registered_at(const mas_agent_list *list, size_t i);
/** @return the number of the agent's capabilities; 0 past the end. */
MAS_EXPORT size_t mas_agent_list_capability_count(const mas_agent_list *list, size_t i);
/** @param j an index of a capability, from 0. @return the capability. */
MAS_EXPORT const char *mas_agent_list_capability(const mas_agent_list *list, size_t i, size_t j);
/** Frees a list and its texts. @param list NULL is ignored. */
MAS_EXPORT void mas_agent_list_free(mas_agent_list *list);

#ifdef __cplusplus
}
#endif

#endif /* MAS_DISCOVERY_H */
