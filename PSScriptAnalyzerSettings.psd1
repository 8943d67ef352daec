@{
    Severity            = @('Error', 'Warning')
    IncludeDefaultRules = $true
    ExcludeRules        = @(
        # The demo, the benchmarks and the tools talk to the person at the console; nothing reads their output.
        'PSAvoidUsingWriteHost'
        # Pester's BeforeAll assigns what an It reads; the rule sees two unrelated blocks.
        'PSUseDeclaredVarsMoreThanAssignments'
        # Tests and the demo hand over made-up PINs as SecureString, and they come from a literal.
        'PSAvoidUsingConvertToSecureStringWithPlainText'
    )
}
