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
    Rules               = @{
        # What a script uses must be there in Windows PowerShell 5.1 too. A test may use more where it asks which
        # PowerShell it is in; none does today.
        PSUseCompatibleSyntax  = @{
            Enable         = $true
            TargetVersions = @('5.1', '7.2')
        }
        PSUseCompatibleCmdlets = @{
            compatibility = @('desktop-5.1.14393.206-windows')
        }
    }
}
