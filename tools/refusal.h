#pragma once

/* Why something was not taken in. Reasons are names that programs may rely on, each with a
 * sentence for a person; those of the daemons are their error names. */

/* Never NULL. */
const char *refusal_meaning(const char *reason);

/* The reason in a daemon's refusal. Its bounds on lines and quantities are settings, so only its
 * answer knows them; they come as bad_request with the field's name in front of the message. */
const char *refusal_of(const char *error, const char *message);
