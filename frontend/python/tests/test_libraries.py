"""Other libraries take a `frit.Array` where they take array-likes, and do with it what they do with NumPy's array. Tests of
libraries that are not installed are skipped."""

import io
import warnings

import numpy as np
import pytest

import frit

N = np.random.default_rng(0).normal(size=(60, 4))
A = np.linspace(0, 1, 60)
B = np.sin(6 * A)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def both(f):
    """The same of NumPy's arrays and of lazy ones."""
    want, got = f(np.array), f(frit.array)
    for w, g in zip(want, got, strict=True):
        np.testing.assert_allclose(np.asarray(g, dtype=float), np.asarray(w, dtype=float), rtol=1e-9, atol=1e-12)


PLOTS = {
    "plot": lambda ax, x, a, b: ax.plot(a, b),
    "scatter": lambda ax, x, a, b: ax.scatter(a, b, c=b, s=b * 10 + 20),
    "bar": lambda ax, x, a, b: ax.bar(a, b),
    "hist": lambda ax, x, a, b: ax.hist(b, bins=5),
    "imshow": lambda ax, x, a, b: ax.imshow(x),
    "contourf": lambda ax, x, a, b: ax.contourf(x),
    "pcolormesh": lambda ax, x, a, b: ax.pcolormesh(x),
    "errorbar": lambda ax, x, a, b: ax.errorbar(a, b, yerr=abs(b)),
    "fill_between": lambda ax, x, a, b: ax.fill_between(a, b, b * 2, where=b > 0),
    "boxplot": lambda ax, x, a, b: ax.boxplot(x),
    "violinplot": lambda ax, x, a, b: ax.violinplot(x),
    "quiver": lambda ax, x, a, b: ax.quiver(a, b, a, b),
    "stackplot": lambda ax, x, a, b: ax.stackplot(a, abs(b), abs(b)),
    "hexbin": lambda ax, x, a, b: ax.hexbin(a, b),
    "pie": lambda ax, x, a, b: ax.pie(abs(b[:5])),
    "limits": lambda ax, x, a, b: (ax.set_xlim(a[0], a[-1]), ax.axhline(b[3]), ax.set_xticks(a[:5]), ax.text(a[0], b[0], "x")),
}


@pytest.mark.parametrize("name", PLOTS)
def test_matplotlib(name):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def picture(make):
        figure, ax = plt.subplots(figsize=(2, 2))
        PLOTS[name](ax, make(N), make(A), make(B))
        out = io.BytesIO()
        figure.savefig(out, format="raw")
        plt.close(figure)
        return out.getvalue()

    assert picture(frit.array) == picture(np.array)


def test_h5py(tmp_path):
    h5py = pytest.importorskip("h5py")

    def store(make):
        x, b = make(N), make(B)
        with h5py.File(tmp_path / "a.h5", "w") as f:
            s = f.create_dataset("x", data=x, chunks=(10, 2), compression="gzip")
            s[2:4] = x[:2]
            s[0] = x[1]
            f["y"] = b
            f.attrs["three"], f.attrs["one"] = b[:3], b[1]
            picked = s[make(np.array([0, 1, 2]))], s[make(np.arange(60) % 2 == 0)]
            return [s[...], f["y"][...], f.attrs["three"], f.attrs["one"], *picked]

    both(store)


def test_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")

    def store(make):
        x = make(N)
        z = zarr.array(x, chunks=(10, 2))
        z[2:4] = x[:2]
        z[:, 0] = x[:, 1]
        z.oindex[make(np.array([1, 2])), :] = x[:2]
        z.append(x)
        z.set_mask_selection(make(np.arange(480).reshape(120, 4) % 7 == 0), 5.0)
        return z[:], z.vindex[make(np.array([0, 1])), make(np.array([1, 2]))]

    both(store)


def test_xarray():
    xarray = pytest.importorskip("xarray")

    def work(make):
        x = xarray.DataArray(make(N), dims=("r", "c"), coords={"r": make(np.arange(60))})
        yield float(x.sum())
        yield from (x.mean("r"), (x + 1).T, x.isel(r=3), x.sel(r=5), x[make(np.array([0, 1]))], np.sqrt(abs(x)), x.std(), x.diff("r"))
        yield from (x.where(x > 0).fillna(0), x.cumsum("r"), x.quantile(0.5), x.rolling(r=3).mean().fillna(0), x.stack(z=("r", "c")))
        yield from (xarray.concat([x, x], "r"), x.interp(r=2.5), x.argmax("r"), x.clip(0, 1), x.copy(deep=True), x.astype("f4"))
        assert str(x) and x._repr_html_()

    both(work)
    assert type((xarray.DataArray(frit.array(N)) + 1).data) is frit.Array


ESTIMATORS = """linear_model.LinearRegression() t; linear_model.Ridge() t; linear_model.Lasso() t; linear_model.LogisticRegression() y
ensemble.RandomForestClassifier(5,random_state=0) y; ensemble.HistGradientBoostingClassifier(max_iter=3) y; cluster.KMeans(2,n_init=1,random_state=0)
decomposition.PCA(2); decomposition.TruncatedSVD(2,random_state=0); preprocessing.StandardScaler(); preprocessing.MinMaxScaler()
preprocessing.PolynomialFeatures(); preprocessing.QuantileTransformer(n_quantiles=10); svm.SVC() y; svm.SVR() t; naive_bayes.GaussianNB() y
neighbors.KNeighborsClassifier() y; tree.DecisionTreeRegressor(random_state=0) t; gaussian_process.GaussianProcessRegressor() t
mixture.GaussianMixture(2,random_state=0); neural_network.MLPClassifier((5,),max_iter=5,random_state=0) y; kernel_ridge.KernelRidge() t
discriminant_analysis.LinearDiscriminantAnalysis() y; feature_selection.SelectKBest(k=2) y; impute.SimpleImputer()"""


@pytest.mark.parametrize("line", [e.strip() for e in ESTIMATORS.replace("\n", ";").split(";")])
def test_scikit_learn(line):
    pytest.importorskip("sklearn")
    import importlib

    call, _, target = line.partition(" ")
    module = importlib.import_module("sklearn." + call.partition(".")[0])

    def fit(make):
        m = eval(call.partition(".")[2], vars(module).copy())
        x, y = make(N), {"": None, "t": make(N[:, 1] * 2 + 1), "y": make((N[:, 0] > 0).astype(int))}[target]
        m.fit(x) if y is None else m.fit(x, y)
        return [getattr(m, f)(x) for f in ("predict", "transform", "predict_proba") if hasattr(m, f)]

    both(fit)


def test_scikit_learn_selection_and_metrics():
    pytest.importorskip("sklearn")
    from sklearn import linear_model, metrics, model_selection

    def work(make):
        x, t, y = make(N), make(N[:, 1] * 2 + 1), make((N[:, 0] > 0).astype(int))
        yield model_selection.cross_val_score(linear_model.Ridge(), x, t)
        yield from model_selection.train_test_split(x, y, random_state=0)
        yield from (metrics.accuracy_score(y, y), metrics.r2_score(t, t * 1.1), metrics.roc_auc_score(y, t), metrics.pairwise_distances(x))

    both(work)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    both(lambda make: [pandas.DataFrame(make(N)), pandas.Series(make(B)) + make(B), pandas.DataFrame({"a": make(A)}).describe()])


def test_scipy():
    pytest.importorskip("scipy")
    from scipy import integrate, interpolate, linalg, ndimage, optimize, signal, sparse, spatial, stats

    def work(make):
        x, a, b = make(N), make(A), make(B)
        yield from (sparse.csr_matrix(x) @ b[:4], interpolate.CubicSpline(a, b)(a), signal.lfilter([1], [1, 0.5], b), signal.convolve(a, b))
        yield from (stats.pearsonr(a, b)[0], linalg.solve(x[:4], b[:4]), ndimage.gaussian_filter(x, 1), spatial.cKDTree(x).query(x[:2])[0])
        yield optimize.curve_fit(lambda u, k: k * u, a, b)[0]
        # Differences of sums that are rounded otherwise.
        yield optimize.minimize(lambda p: float(((a * p[0] - b) ** 2).sum()), [0.0]).x.round(6)
        yield integrate.trapezoid(b, a)

    both(work)
