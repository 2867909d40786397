/* The service policy: a running kerf serve decides, over the library's client. */
#ifndef KERF_SIMULATE_ASK_H
#define KERF_SIMULATE_ASK_H

#include "planner/simulate/engine.h"

/* Whether any service answers; KERF_E_IO where none does. */
kerf_status sim_ask_check(const sim_world *world, kerf_error *err);

/* The run's connection; *client stays NULL where its policy asks nobody. */
kerf_status sim_ask_open(const sim_world *world, size_t policy, kerf_client **client);

/* The option that the service chooses for a board, with the link and the server as the board
 * believes them to be. The board's present one where no answer comes, or none that it can use. */
uint32_t sim_ask(sim_run *run, const sim_team *team, uint32_t index, const kerf_link *believed,
                 double slowdown);

#endif
