package fairground.store

import org.jetbrains.exposed.sql.Database
import org.jetbrains.exposed.sql.Transaction
import org.jetbrains.exposed.sql.transactions.ThreadLocalTransactionManager
import org.jetbrains.exposed.sql.transactions.TransactionInterface
import org.jetbrains.exposed.sql.transactions.TransactionManager

/**
 * Lets each statement commit by itself. Exposed opens a transaction around everything, which costs a round trip for its
 * COMMIT; here every request's change is one statement, which PostgreSQL makes atomic without one.
 */
internal class AutoCommit private constructor(
    private val manager: ThreadLocalTransactionManager,
) : TransactionManager by manager {
    constructor(database: Database) : this(
        // Instead of the set-up that would switch auto-commit off, and ask for an isolation level.
        ThreadLocalTransactionManager(database) { _, _ -> },
    )

    override fun newTransaction(
        isolation: Int,
        readOnly: Boolean,
        outerTransaction: Transaction?,
    ): Transaction {
        val transaction = Transaction(StatementByStatement(manager.newTransaction(isolation, readOnly, outerTransaction)))
        bindTransactionToThread(transaction)
        return transaction
    }

    private class StatementByStatement(
        transaction: TransactionInterface,
    ) : TransactionInterface by transaction {
        override fun commit() = Unit

        override fun rollback() = Unit
    }
}
