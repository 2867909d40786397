/* Progress of long work, on a terminal's stderr. */
#ifndef KERF_CLI_PROGRESS_H
#define KERF_CLI_PROGRESS_H

#include "planner/cli/options.h"

#include <time.h>

typedef struct cli_progress {
    struct timespec start, shown;
    bool visible;
} cli_progress;

/* Has the question report to *progress, unless that is unwanted; to be ended in any case. */
void cli_progress_start(cli_progress *progress, const cli_settings *settings,
                        kerf_question *question);
void cli_progress_end(cli_progress *progress);

#endif
