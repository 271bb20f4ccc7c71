# SPDX-License-Identifier: MIT
# Completion of wirespan's command lines for fish: verbs, options, names of sites, files.
# The program itself lists its verbs and options.

function __wirespan_verbs
    wirespan help 2>/dev/null | string match -r '^  wirespan [a-z]+  .*' |
        string replace -r '^  wirespan ([a-z]+) +(.*)' '$1\t$2'
end

function __wirespan_options
    set -l words (commandline -opc)
    wirespan help $words[2] 2>/dev/null | string match -ar -- '(?<![\w-])--[a-z][a-z-]*' | sort -u
    echo --help
end

function __wirespan_sites
    set -l folder /etc/wirespan
    set -q WIRESPAN_CONFDIR; and set folder $WIRESPAN_CONFDIR
    set -l run /run/wirespan
    set -q WIRESPAN_RUNDIR; and set run $WIRESPAN_RUNDIR
    for file in $folder/*.conf $run/*.sock
        string replace -r '^.*/([^/]*)\.[a-z]+$' '$1' -- $file
    end | sort -u
end

function __wirespan_at_verb
    test (count (commandline -opc)) -eq 1
end

function __wirespan_at_option
    string match -q -- '-*' (commandline -ct)
end

complete -c wirespan -n __wirespan_at_verb -f -a '(__wirespan_verbs)'
complete -c wirespan -n __wirespan_at_verb -f -a 'help version'
complete -c wirespan -n '__fish_seen_subcommand_from help' -f -a '(__wirespan_verbs)'
complete -c wirespan -n 'not __wirespan_at_verb; and __wirespan_at_option' -f -a '(__wirespan_options)'
complete -c wirespan -n '__fish_seen_subcommand_from up down reload upgrade status top metrics check capture report mtu validate script' \
    -a '(__wirespan_sites)'
