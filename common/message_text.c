#include "message.h"

#define MESSAGE(name, id, level, subject, help) [MESSAGE_##name] = { subject, help },
const struct message_text message_texts[MESSAGE_COUNT] = {
#include "message_rows.h"
};
