# Of which English each French about topic is the translation: the first sixteen digits of its SHA-256.
@{
    about_UMMailboxPin           = '564C7AD21DE1E0B5'
    about_UMMailboxPin_Exchange  = '1854959A09B819AA'
    about_UMMailboxPin_PBX       = '133507CCDE695F8B'
    about_UMMailboxPin_Security  = '85DBF95FD6D8E99A'
}
