#include <stdio.h>

#include "message.h"

/* Prints the catalog for journalctl -x: see systemd's catalog format. */
int main(void)
{
	for (int i = 0; i < MESSAGE_COUNT; i++)
		printf("-- %s\nSubject: %s\nDefined-By: orderd\nDocumentation: man:orderd(8)\n\n%s\n\n",
			message_rows[i].id, message_texts[i].subject, message_texts[i].help);
	return 0;
}
