/* kerf keygen: CURVE keys for the service and its clients. */
#include "planner/cli/commands.h"

#include "planner/service/keys.h"

#include <string.h>

cli_exit cli_keygen(const cli_settings *settings)
{
    key_pair keys;
    kerf_error err = {0};
    kerf_status status = keys_make(&keys, &err);
    if (status == KERF_OK)
        status = keys_save(&keys, settings->argument, settings->force, &err);
    if (status == KERF_OK)
        printf("%s\n", keys.public_key);
    explicit_bzero(&keys, sizeof keys);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}
