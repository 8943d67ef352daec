# shellcheck shell=bash
# Completion for umpin in bash.
_umpin() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' part
    local commands='verify change set-up-complete agi deliver help'
    local options='--store --key-file --help'
    for part in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ " $commands " == *" $part "* ]]; then
            command=$part
            break
        fi
    done
    case $before in
    --store | --key-file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --extension | --dial-plan | --identity | --timeout | --budget | --prompt* | --incorrect | --goodbye | --mismatch | \
        --weak | --changed) return ;;
    esac
    case $command in
    '') options="$options --version $commands" ;;
    verify | change) options="$options --extension --dial-plan --identity --log-reason" ;;
    set-up-complete) options="$options --extension --dial-plan --identity" ;;
    agi)
        options="$options --dial-plan --extension --ask --change --timeout --prompt-extension --prompt --incorrect"
        options="$options --goodbye --prompt-new --prompt-again --mismatch --weak --changed"
        ;;
    deliver) options="$options --budget" ;;
    help) options=$commands ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}
complete -F _umpin umpin
