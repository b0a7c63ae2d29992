// Values that are named by a text beside them: the type of an identifier in FHIR, and questions with their answers.
//
//     {"type": {"text": "Medical record number"}, "value": "4472579"}       FHIR R4, Identifier.type
//     {"type": {"coding": [{"code": "MR"}]}, "value": "4472579"}            HL7 table 0203, in the same place
//     {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "219459876"}    FHIR R4, Identifier.system
//     {"question": "What is your SSN?", "answer": "219459876"}
//
// The whole value must look like what the label says. Pure; looks at a constant number of nodes around a value.
#pragma once

#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

void detect_labelled(Sight& sight);

}  // namespace mas::dlp
