"""The figures. Only this folder imports matplotlib; no figure measures or judges."""
