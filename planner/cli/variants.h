/* A variants file ("kerf-variants/1", configs/schema/variants.json): the networks and the wire
 * encodings that a question may choose from. */
#ifndef KERF_CLI_VARIANTS_H
#define KERF_CLI_VARIANTS_H

#include "planner/cli/scene.h"

/* Loads the file and all it names. NETWORK, which the scene has loaded with its profiles, is one of
 * the variants, the first if the file does not list it. Fills scene->variants and
 * scene->encodings. Reports what is wrong. */
cli_exit cli_variants_load(const char *path, const cli_settings *settings, cli_scene *scene);
void cli_variants_clear(cli_scene *scene);

/* The encodings that --wire asks to choose from, or the one that it names: of the variants file, if
 * it lists any, else the built-in types. None where a type alone says it. */
cli_exit cli_encodings_choose(const cli_settings *settings, cli_scene *scene);

#endif
