// Secrets that are told by a name: which type a value is under a name, if it looks like one.
//
// The weaker the name, the more the value must look like a credential by itself (looks.h).
// Pure; linear in the value, of which at most some hundred bytes are looked at.
#pragma once

#include "daemons/gatewayd/dlp/detect/named_values.h"
#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// How a value and its name stand together.
struct Naming {
  ContextMask says = 0;  ///< what the name says; kWeak: it takes a second sign
  Named how = Named::kByKey;
  bool number = false;  ///< a number of JSON
  bool quoted = false;  ///< in quotes: the writer's text, not a name of something
  bool alone = true;    ///< name and value are a line or member by themselves
  bool tight = false;   ///< "name=value", and no space around the sign
  bool login = false;   ///< a user's name stands beside it
  bool pin = false;     ///< a code of digits alone will do
  float shape = 0;      ///< of its score, before what the words around add
};

/// Tells the Sight what a value under a name is, if anything.
/// @param span the value, without white space around it.
void see_secret(Sight& sight, Span span, const Naming& naming);

}  // namespace mas::dlp
