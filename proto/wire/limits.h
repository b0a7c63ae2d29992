// Every size a peer controls, in one place. `proto/README.md` shows the same table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mas::limits {

inline constexpr size_t kEnvelopeBytes = 1024 * 1024;          ///< default; configurable downwards and upwards
inline constexpr size_t kMaxEnvelopeBytes = 64 * 1024 * 1024;  ///< what the configuration may raise it to
inline constexpr size_t kMessageTypeBytes = 256;
inline constexpr size_t kMessageIdBytes = 128;
inline constexpr size_t kCorrelationIdBytes = 256;
inline constexpr size_t kMetaTextBytes = 512;  ///< any other text in `meta`
inline constexpr size_t kErrorCodeBytes = 64;  ///< `meta.error.code`
/// `meta.error.message`, as a reader takes it: masks of data-loss prevention are longer than what they hide.
inline constexpr size_t kErrorMessageBytes = 4096;
inline constexpr size_t kChainAgents = 32;   ///< ids in `meta.chain` (number)
inline constexpr unsigned kJsonDepth = 128;  ///< nesting of objects and arrays in a value (an envelope's
                                             ///< `data`, say), the outermost counts
inline constexpr size_t kForeignAgentIdBytes = 512;
inline constexpr size_t kCapabilityBytes = 128;
inline constexpr size_t kCapabilities = 256;         ///< per agent
inline constexpr size_t kMetadataBytes = 64 * 1024;  ///< the JSON object of one agent
inline constexpr size_t kStateFields = 10'000;       ///< per agent
inline constexpr size_t kStateFieldNameBytes = 1024;
inline constexpr size_t kStateValueBytes = 1024 * 1024;
inline constexpr size_t kStateBytes = 64 * 1024 * 1024;  ///< names and values of one agent's state together
inline constexpr size_t kEventBytes = 128 * 1024;        ///< one event on mas.system
inline constexpr size_t kEventTextBytes = 1024;          ///< `text` of an event
inline constexpr size_t kNamespaceBytes = 64;
inline constexpr size_t kFrameRecords = 1024;             ///< records of an ingress frame, or of a stream entry
inline constexpr size_t kFrameBytes = 1024 * 1024;        ///< records of a frame together, when there is more than one
inline constexpr size_t kSenderWindow = 65'536;           ///< records of a sender instance that wait for their receipt
inline constexpr size_t kCredentialBytes = 256;           ///< a token or key id
inline constexpr size_t kReceiptDetailBytes = 1024;       ///< one sentence in a receipt
inline constexpr size_t kFailureReasonBytes = 256;        ///< why a handler failed, in a report
inline constexpr size_t kAclEntries = 10'000;             ///< members of one allow, block, role or permission set
inline constexpr size_t kIdentityFieldBytes = 64 * 1024;  ///< one field of an identity
inline constexpr size_t kIdentityKeys = 16;               ///< keys of an identity (number)
inline constexpr size_t kKeyIdBytes = 64;                 ///< a key id
inline constexpr size_t kSealedKeyBytes = 256;            ///< a sealed key
inline constexpr size_t kCredentialsFileBytes = 4096;     ///< a credentials file

}  // namespace mas::limits
