/* What a question is about, loaded as the options say. */
#ifndef KERF_CLI_SCENE_H
#define KERF_CLI_SCENE_H

#include "planner/cli/find.h"
#include "planner/cli/options.h"

typedef struct cli_scene {
    kerf_network *network;
    kerf_device *device, *server;
    kerf_link *link;
    kerf_profile *device_profile, *server_profile;
    kerf_tier_pin *pins;                 /* as they were given; n_pins is the question's */
    kerf_pin *sides;                     /* without a cloud */
    struct cli_variants *variants;       /* NULL: no --variants */
    kerf_question question;              /* borrows all of the above */
    const kerf_robust *robust;           /* what a plan under uncertainty says; borrowed, or NULL */
    const kerf_sensitivity *sensitivity; /* where the answer changes; likewise */
} cli_scene;

/* Both report what is wrong. cli_scene_clear releases whatever was loaded. */
cli_exit cli_scene_load(const cli_settings *settings, cli_scene *scene);
void cli_scene_clear(cli_scene *scene);

/* The scene of a plan's answer: with the network, the power mode and the encoding that it chose.
 * Borrows all of both; not to be cleared. */
cli_scene cli_scene_choose(const cli_scene *scene, const kerf_plan *plan);

/* How a variant of a network differs from what the command line says. */
typedef struct cli_network_form {
    bool as_network; /* the command line's --dim and --input are meant for this file too */
    struct kerf_input_shape *inputs; /* shapes that go before --input's */
    size_t n_inputs;
    const char **outputs; /* an early exit; see kerf_network_options */
    size_t n_outputs;
} cli_network_form;
cli_exit cli_load_network_as(const cli_settings *settings, const char *path,
                             const cli_network_form *form, kerf_network **network);

/* The parts, for commands that need only some. `allow_unresolved` keeps unknown shapes. */
cli_exit cli_load_network(const cli_settings *settings, bool allow_unresolved,
                          kerf_network **network);
cli_exit cli_load_device(cli_kind kind, const char *name, kerf_device **device);
/* The device's power mode of that name; where there is none, reports it and returns false. */
bool cli_find_mode(const kerf_device *device, const char *name, size_t *mode);
cli_exit cli_load_profile(const char *path, const kerf_network *network, kerf_profile **profile);

/* The number of placed operators that a placement puts on the device. */
size_t cli_device_operators(const kerf_network *network, const kerf_side *side);

#endif
