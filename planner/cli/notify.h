/* Telling systemd how we are (sd_notify(3), whose protocol is public and stable): a datagram of
 * "KEY=VALUE" lines to the socket that NOTIFY_SOCKET names. Nothing happens where it is not set. */
#ifndef KERF_CLI_NOTIFY_H
#define KERF_CLI_NOTIFY_H

void cli_notify(const char *state); /* "READY=1" */

/* How often the watchdog wants to hear "WATCHDOG=1", in seconds: half of what it allows. 0: it does
 * not. */
double cli_watchdog_s(void);

#endif
