/* A gateway for tests of the client: takes frames from every partition's list of the test's server, decides, delivers
 * and sends receipts, on a thread of its own. It checks what the protocol asks of senders (partition, credential,
 * numbers) and does what a script says. It keeps its knowledge in memory: no audit, no fence, no policy.
 */
#ifndef TESTS_SDK_MOCK_GATEWAY_H
#define TESTS_SDK_MOCK_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mock_gateway mock_gateway;

mock_gateway *mock_gateway_start(void);
void mock_gateway_stop(mock_gateway *gateway);

/** Reads nothing while paused. Returns when that holds. */
void mock_gateway_pause(mock_gateway *gateway, bool paused);
/** Works with so many partitions from now on; mas.config has them too (on a cluster the test sees to that).
 *  Frames in lists of before are left there. */
void mock_gateway_set_partitions(mock_gateway *gateway, unsigned partitions);
/** Decides the next `count` frames and sends no receipt. */
void mock_gateway_drop_receipts(mock_gateway *gateway, int count);
/** On a cluster: does not tell of the next `count` entries. */
void mock_gateway_drop_wake_ups(mock_gateway *gateway, int count);
/** Loses the next `count` frames. */
void mock_gateway_drop_frames(mock_gateway *gateway, int count);
/** Refuses the next `count` frames as a whole. @param decision a name of the table. */
void mock_gateway_refuse_frames(mock_gateway *gateway, int count, const char *decision);
/** Refuses every message of a type; "" or NULL: none. */
void mock_gateway_refuse_type(mock_gateway *gateway, const char *type, const char *decision, const char *detail,
                              unsigned retry_after_ms);
/** Refuses the next report of a failed handler with this decision; of several calls each holds for one report, in
 *  order. */
void mock_gateway_refuse_report(mock_gateway *gateway, const char *decision);
/** Forgets which numbers it has decided, as if Redis had gone back in time. */
void mock_gateway_forget(mock_gateway *gateway);
/** Expects frames signed with this key (32 bytes) instead of registry tokens. */
void mock_gateway_use_key(mock_gateway *gateway, const char *key_id, const char *key);

typedef struct mock_counts {
  int frames, records;       /**< taken from the lists */
  int decided;               /**< messages decided for the first time */
  int reports;               /**< of handlers that failed, also those refused */
  int repeated;              /**< messages that had their decision already */
  int delivered;             /**< put into streams */
  int gaps;                  /**< frames answered RESEND_FROM */
  int unauthenticated;       /**< frames with a wrong credential, partition or MAC */
  int largest_frame;         /**< records */
  int last_report_partition; /**< that the last report named; -1: none */
} mock_counts;
mock_counts mock_gateway_counts(mock_gateway *gateway);

#ifdef __cplusplus
}

#include <vector>

#include "tests/sdk/raw_cluster.h"

/** On a Redis Cluster. */
mock_gateway *mock_gateway_start_on(const std::vector<mas::test::RawCluster::Node> &nodes);
#endif

#endif /* TESTS_SDK_MOCK_GATEWAY_H */
