# SPDX-License-Identifier: Apache-2.0
# Completion of fovea for bash. The tests compare it with each command's --help.

# Paths that begin as $1 does: folders, and files with one of the endings after it, in capitals or not.
_fovea_paths() {
    local begun=$1 path ending
    shift
    # What is typed may be quoted; compgen wants the path itself.
    [[ $begun == [\"\']* ]] && begun=${begun:1} || begun=${begun//\\/}
    while IFS= read -r path; do
        if [[ -d ${path/#\~\//$HOME/} ]]; then
            COMPREPLY+=("$path")
            continue
        fi
        for ending; do
            if [[ ${path,,} == *."$ending" ]]; then
                COMPREPLY+=("$path")
                break
            fi
        done
    done < <(compgen -f -- "$begun")
    # Then bash quotes what needs it and adds the slash after a folder.
    compopt -o filenames 2>/dev/null
}

_fovea_words() {
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$2" -- "$1")
}

# The values of option $2 of verb $3; nothing for those that only the user knows. Fails when the option takes none.
_fovea_value() {
    local begun=$1 option=$2 verb=$3 program=$4 sets
    case $verb$option in
        preprocess--size | preprocess--sigma | preprocess--tolerance | preprocess--graham-scale | preprocess--scaled-decoding) ;;
        screen--model | screen-m | preprocess--model | preprocess-m | run--model | run-m | explain--model | explain-m) _fovea_paths "$begun" fovea ;;
        screen--format | screen-f) _fovea_words "$begun" 'text json jsonl csv' ;;
        screen--output | screen-o) _fovea_paths "$begun" txt json jsonl csv ;;
        screen--images | screen--explain | preprocess--images | preprocess--out-dir | run--dump) _fovea_paths "$begun" ;;
        preprocess--preset) _fovea_words "$begun" 'none kaggle_ben_color kaggle_circle kaggle_circle_v2 graham2015 eyeq' ;;
        preprocess--resize) _fovea_words "$begun" 'cv_linear cv_area' ;;
        explain--method | screen--explain-method) _fovea_words "$begun" 'attention gradcam gradient integrated occlusion smoothgrad' ;;
        screen--views) _fovea_words "$begun" '1 2 4 8' ;;
        explain--scalar) _fovea_words "$begun" 'logit loss margin prob' ;;
        explain--reduce) _fovea_words "$begun" 'l2 max sum' ;;
        explain--colors) _fovea_words "$begun" 'jet viridis' ;;
        explain--raw | explain--baseline) _fovea_paths "$begun" npy ;;
        explain--map | explain--overlay) _fovea_paths "$begun" png ;;
        explain--class | explain--layer | explain--patch | explain--stride | explain--samples | explain--noise | explain--seed | explain--steps) ;;
        explain--percentile | explain--opacity) ;;
        run--taps) _fovea_words "$begun" all ;;
        screen--isa | run--isa | explain--isa | info--isa | selftest--isa | kernels--isa)
            IFS= read -r sets < <(env -u FOVEA_ISA "$program" kernels 2>/dev/null)
            sets=${sets#*: }
            _fovea_words "$begun" "${sets//,/}"
            ;;
        screen--operating-point | screen--shard | preprocess--shard | run--size | info--size) ;;
        screen--jobs | screen-j | preprocess--jobs | preprocess-j) ;;
        screen--threads | screen-t | run--threads | run-t | explain--threads | explain-t | info--threads | info-t | selftest--threads | selftest-t) ;;
        screen--photo-memory) ;;
        screen--max-memory | run--max-memory | explain--max-memory | info--max-memory | selftest--max-memory) ;;
        *) return 1 ;;
    esac
    return 0
}

_fovea() {
    local program=$1 begun=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} verb='' given='' only_files='' i
    local IFS=$' \t\n'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; ++i)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            only_files=yes
        elif [[ -z $verb && ${COMP_WORDS[i]} != -* ]]; then
            verb=${COMP_WORDS[i]}
        fi
    done
    # --option=value comes as three words, or as one where the user has changed COMP_WORDBREAKS.
    if [[ $begun == '=' ]]; then
        begun=''
    elif [[ $option == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $begun == --*=* ]]; then
        given=${begun%%=*}=
        option=${begun%%=*}
        begun=${begun#*=}
    fi
    if [[ -z $only_files ]] && _fovea_value "$begun" "$option" "$verb" "$program"; then
        COMPREPLY=("${COMPREPLY[@]/#/$given}")
        return
    fi
    if [[ -z $only_files && $begun == -* ]]; then
        local options
        case $verb in
            '') options='-h --help --version' ;;
            screen) options='-h --help -m --model -f --format -o --output --resume --operating-point --force --views
                --images --shard --explain --explain-method --no-timings --bom -j --jobs -t --threads --isa --max-memory --photo-memory' ;;
            preprocess) options='-h --help --out-dir --images --shard -m --model --preset --size --sigma --tolerance
                --graham-scale --no-circle-mask --gray-swapped --pad-square --resize --scaled-decoding -j --jobs' ;;
            run) options='-h --help -m --model --size --taps --dump -t --threads --isa --max-memory' ;;
            explain) options='-h --help -m --model --as-is --method --scalar --class --layer --samples --noise --seed --steps
                --baseline --patch --stride --raw --map --overlay --reduce --colors --percentile --opacity --fade --no-mask -t --threads --isa --max-memory' ;;
            info) options='-h --help --plan --taps --json --size -t --threads --isa --max-memory' ;;
            selftest) options='-h --help -t --threads --isa --max-memory' ;;
            kernels) options='-h --help --isa' ;;
            *) return ;;
        esac
        _fovea_words "$begun" "$options"
        return
    fi
    case $verb in
        '') _fovea_words "$begun" 'screen preprocess run explain info selftest kernels' ;;
        screen | preprocess) _fovea_paths "$begun" jpg jpeg png csv tsv json jsonl ;;
        run | explain) _fovea_paths "$begun" npy png jpg jpeg ;;
        info | selftest) _fovea_paths "$begun" fovea ;;
    esac
}

complete -F _fovea fovea
