/* Links as other programs measured them, on the device towards the server. */
#ifndef KERF_NET_IMPORT_H
#define KERF_NET_IMPORT_H

#include "kerf/link.h"

/* What a measurement tells of one direction; NAN: nothing. */
typedef struct kerf_probe {
    double rate_bps;
    double rtt_s;
    double loss;
} kerf_probe;

/* Reads the output of `iperf3 -J`, run as the client on the device: the received rate of the wanted
 * direction (the summary, without omitted intervals), TCP's smallest RTT, UDP's loss. A test of the
 * other direction is an error; one of both (--bidir) serves for either. KERF_E_INVALID also where
 * iperf3 itself reports an error. */
kerf_status kerf_import_iperf3(const char *path, kerf_direction direction, kerf_probe *probe,
                               kerf_error *err);

/* Reads a ping's output (iputils, BusyBox, BSD and macOS): mean RTT and packet loss of its last
 * summary. */
kerf_status kerf_import_ping(const char *path, kerf_probe *probe, kerf_error *err);

#endif
