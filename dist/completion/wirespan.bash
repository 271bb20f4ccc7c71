# SPDX-License-Identifier: MIT
# Completion of wirespan's command lines for bash: verbs, options, names of sites, files.
# The program itself lists its verbs and options, so there is no second list that could be wrong.

_wirespan_verbs() {
    "$1" help 2>/dev/null | sed -n 's/^  wirespan \([a-z][a-z]*\)  .*/\1/p'
}

_wirespan_options() {
    "$1" help "$2" 2>/dev/null | grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u
}

# Sites with a file, and those that run from a file elsewhere. Only root can list them.
_wirespan_sites() {
    local file
    for file in "${WIRESPAN_CONFDIR:-/etc/wirespan}"/*.conf "${WIRESPAN_RUNDIR:-/run/wirespan}"/*.sock; do
        [[ -e $file ]] || continue
        file=${file##*/} file=${file%.*}
        [[ $file =~ ^[[:alnum:]_.-]+$ ]] && printf '%s\n' "$file" # compgen -W would expand a $
    done | sort -u
}

_wirespan() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(_wirespan_verbs "$program") help version" -- "$word")
        return
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_wirespan_options "$program" "$verb") --help" -- "$word")
        return
    fi
    case $verb in
    up | down | reload | upgrade | status | top | metrics | check | capture | report | mtu | validate | script)
        case $previous in
        -w | --write | --html) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        -c | --count | --size | --snap | -t | --time | -u | --underlay) ;;
        *)
            mapfile -t COMPREPLY < <(compgen -W "$(_wirespan_sites)" -- "$word")
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.conf' -- "$word")
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word")
            ;;
        esac
        compopt -o filenames 2>/dev/null
        ;;
    help) mapfile -t COMPREPLY < <(compgen -W "$(_wirespan_verbs "$program")" -- "$word") ;;
    import | init)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
        ;;
    esac
}

complete -F _wirespan wirespan
