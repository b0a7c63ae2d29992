// What patient, doctor and specialist say to each other.
#ifndef MAS_EXAMPLE_CONSULTATION_MESSAGES_HPP
#define MAS_EXAMPLE_CONSULTATION_MESSAGES_HPP

#include <mas.hpp>
#include <string>

struct Consultation {
  std::string complaint;
};
MAS_STRUCT(Consultation, complaint)

struct Advice {
  std::string text;
  std::string note;
};
MAS_STRUCT(Advice, text, note)

/// What the doctor asks the specialist.
struct Case {
  std::string complaint;
  std::string draft;
};
MAS_STRUCT(Case, complaint, draft)

struct Opinion {
  std::string text;
};
MAS_STRUCT(Opinion, text)

/// Why there is neither advice nor opinion.
struct Excuse {
  std::string reason;
};
MAS_STRUCT(Excuse, reason)

#endif  // MAS_EXAMPLE_CONSULTATION_MESSAGES_HPP
