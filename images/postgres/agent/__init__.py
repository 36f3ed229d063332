"""The agent beside every member of the database: it measures, judges and heals what Patroni does not see."""
