# shellcheck shell=bash
# authbridge.bash: completes authbridge's command line in bash.

# Those of the options that make sense beside what the line has already.
_authbridge_options() {
    local line=" ${COMP_WORDS[*]} "

    case $line in
    *' --demo '*)
        echo '--listen'
        return
        ;;
    *' --live '* | *' --quiet '*) echo '--config --target --listen --header --check' ;;
    *' --check '*) echo '--config --target --listen --header --live --quiet' ;;
    *' --explain'[\ =]*) echo '--config --target --listen --header -H' ;;
    *) echo '--config --target --listen --header --check --explain --demo --version --help' ;;
    esac
}

_authbridge() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local words

    # --name=value comes as three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $previous in
    -c | --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --target)
        compopt -o nospace
        words='http:// https:// unix:/'
        ;;
    --listen) words='127.0.0.1:8080 [::1]:8080 https://127.0.0.1:8443 unix:/run/authbridge/socket' ;;
    --header | -H | --explain) return ;; # free text
    *) words=$(_authbridge_options) ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _authbridge authbridge
