# Completion of orderctl for fish. The words are orderctl's own.

function __orderctl_words
    set -l tokens (commandline -opc) (commandline -ct)
    for line in ($tokens[1] complete -- $tokens[2..] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :directories
                __fish_complete_directories (commandline -ct)
            case '*'
                printf '%s\n' $line
        end
    end
end

complete -c orderctl -f -a '(__orderctl_words)'
